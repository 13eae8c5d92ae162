import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { aioCall, aioCalls, type AioCall } from '../../idioms/aio-call';
import { destroyBehind, freesIn, isSameMemory, stillRunning, submissionsIn } from '../../idioms/aio-in-flight';
import { comesBack, isGuarded, leakingReturn, releaseBefore, type Holding } from '../../idioms/leaks';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { bare, statements, walkFunction, type Call, type Expr, type Func, type Local, type Member } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

const SETUP = /^io_(?:setup|queue_init)$/;
const DESTROY = /^io_(?:destroy|queue_release)$/;
const DESTROYS = /io_destroy|io_queue_release/;

export const aioMissingDestroy: Rule = {
  info: {
    id: 'aio-missing-destroy', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic', cleanup: true,
    summary: 'An AIO context is set up and not destroyed, or destroyed after its buffers were freed.',
  },
  why: 'What contexts may hold counts against fs.aio-max-nr of the whole system: when that is used up, io_setup() fails with -EAGAIN for everybody. io_destroy() waits for what is running, so buffers must live until then.',
  families: ['libaio', 'raw-aio'],
  tokens: /io_setup|io_queue_init|io_destroy|io_queue_release/,
  check(file, func, report) {
    const flow = func.damaged ? undefined : file.program.flow(func);
    if (!flow) return;
    const setups = func.name === 'main' ? [] : aioCalls(file, func).filter((c) => SETUP.test(c.name) && c.args[1]);
    for (const s of setups) {
      const target = contextOf(s.args[1]!);
      const draft = target && (target.kind === 'name' ? ownContext(file, flow, s, target.id) : memberContext(file, flow, s, target));
      if (draft) report(draft);
    }
    if (file.program.mentions(func, DESTROYS)) for (const draft of freedBefore(file, flow)) report(draft);
  },
};

/** `ctx` of `&ctx`, where that is a variable or a member. */
function contextOf(e: Expr): Extract<Expr, { kind: 'name' | 'member' }> | undefined {
  const inner = bare(e);
  const target = inner.kind === 'unary' && inner.op === '&' ? bare(inner.operand) : undefined;
  return target?.kind === 'name' || target?.kind === 'member' ? target : undefined;
}

function ownContext(file: View, flow: Flow, setup: AioCall, id: string): Draft | undefined {
  const { func } = flow;
  const local = func.locals.get(id);
  // a member that C++ names plainly
  if (!local) return id.includes('~') || !func.owner ? undefined : memberContext(file, flow, setup, undefined, id);
  if (local.static || local.reference || func.params.includes(local) || isGuarded(file, func)) return undefined;
  const uses = usesOf(file, func, local);
  if (uses.destroyed || uses.kept) return leak(file, flow, setup, changesOf(file, flow, setup, (e) => isName(e, id)));
  return comesBack(file, func) ? { at: placeOf(func, setup.call), message: 'Nothing destroys this context, and nobody outside this function knows it: io_destroy() is missing.' } : undefined;
}

/** Whether a variable's context is destroyed, or known to others when the function returns. */
function usesOf(file: View, func: Func, local: Local): { destroyed: boolean; kept: boolean } {
  const out = { destroyed: false, kept: false };
  const named = (e: Expr): boolean => isName(e, local.id) || (bare(e).kind === 'unary' && isName((bare(e) as { operand: Expr }).operand, local.id));
  for (const e of walkFunction(func)) {
    if (e.kind === 'call') {
      const known = aioCall(file, e);
      if (known ? DESTROY.test(known.name) && known.args.some(named) : e.args.some(named) && leads(file, e)) out.destroyed = true;
    }
    if (e.kind === 'assign' && named(e.value)) out.kept = true;
    if ((e.kind === 'list' && e.items.some((i) => named(i.value))) || e.kind === 'lambda') out.kept = true;
  }
  for (const s of statements(func.body)) if ((s.kind === 'return' && s.value && named(s.value)) || (s.kind === 'declare' && s.init && named(s.init))) out.kept = true;
  return out;
}
/** Whether a call may destroy a context it is given, or hand it to somebody who does. */
function leads(file: View, call: Call, depth = 0): boolean {
  if (aioCall(file, call)) return false;
  const callee = file.program.callee(call);
  if (!callee) return call.callee.kind !== 'name' || !isOutOfTheWay(call);
  if (depth > 3 || callee.damaged || file.program.mentions(callee, DESTROYS)) return true;
  const params = new Set(callee.params.map((p) => p.id));
  const given = (e: Expr): boolean => { const inner = bare(e); return inner.kind === 'name' && params.has(inner.id); };
  return [...walkFunction(callee)].some((e) => (e.kind === 'assign' && given(e.value) && bare(e.target).kind !== 'name') || (e.kind === 'call' && e.args.some(given) && leads(file, e, depth + 1)));
}

/** A member of a structure that only this file knows, and that no function of it destroys; or one that other ways destroy. */
function memberContext(file: View, flow: Flow, setup: AioCall, member: Member | undefined, name = member!.field): Draft | undefined {
  const { func } = flow;
  const sees = (e: Expr): boolean => { const x = bare(e); return x.kind === 'member' ? x.field === name : x.kind === 'name' && x.name === name; };
  if (file.program.mentions(func, DESTROYS)) return isGuarded(file, func) ? undefined : leak(file, flow, setup, changesOf(file, flow, setup, sees));
  if (!file.program.ownersOf(name).length || file.program.functions(DESTROYS).length) return undefined;
  // a class tells of its end; a C file that opens knows how it closes
  const owner = func.owner.replace(/^.*::/, '');
  const closes = file.language === 'cpp' ? !file.says(new RegExp(`~\\s*${owner || '\\w+'}\\b`)) || file.program.functions().some((f) => f.kind === 'destructor' && f.owner.replace(/^.*::/, '') === owner)
    : file.program.functions(/\b(?:free|close|munmap)\s*\(/).some((f) => f !== func && /free|close|destroy|clean|fini|exit|stop|shutdown|term|release|teardown/i.test(f.name));
  return closes ? { at: placeOf(func, setup.call), message: `Nothing destroys this context: io_destroy() is missing${file.language === 'cpp' ? ', in the destructor for example' : ', where the rest is given back'}.` } : undefined;
}

function changesOf(file: View, flow: Flow, setup: AioCall, names: (e: Expr) => boolean): Map<Event, Holding> {
  const changes = new Map<Event, Holding>();
  const mentions = (e: Expr): boolean => { const x = bare(e); return names(x) || (x.kind === 'unary' && mentions(x.operand)); };
  const whole = (e: Expr): boolean => { const target = contextOf(setup.args[1]!); const x = bare(e); const inner = x.kind === 'unary' ? bare(x.operand) : x; return target?.kind === 'member' && inner.kind === 'name' && bare(target.object).kind === 'name' && (bare(target.object) as { id: string }).id === inner.id; };
  for (const event of flow.cfg.blocks.flatMap((b) => b.events)) {
    if (event.kind === 'call') {
      const known = aioCall(file, event.call);
      if (event.call === setup.call) changes.set(event, 'open');
      else if (known && DESTROY.test(known.name)) changes.set(event, known.args.some(mentions) ? 'closed' : 'mixed');
      else if (known && SETUP.test(known.name) && known.args.some(mentions)) changes.set(event, 'mixed');
      else if (!known && event.call.args.some((a) => mentions(a) || whole(a)) && leads(file, event.call)) changes.set(event, 'mixed');
      else if (!known && file.program.callee(event.call) && leads(file, event.call)) changes.set(event, 'mixed');
    } else if (event.kind === 'store' && event.value && mentions(event.value)) changes.set(event, 'mixed');
    else if (event.kind === 'declare' && event.init && mentions(event.init)) changes.set(event, 'mixed');
  }
  return changes;
}
function leak(file: View, flow: Flow, setup: AioCall, changes: Map<Event, Holding>): Draft | undefined {
  const { func } = flow;
  const found = leakingReturn(file, flow, setup.call, changes);
  const context = contextOf(setup.args[1]!);
  if (!found || !context) return undefined;
  const release = /queue/.test(setup.name) ? 'io_queue_release' : 'io_destroy';
  return {
    at: placeOf(func, setup.call), message: `A way that returns with an error leaves this context behind: ${release}() is missing there.`,
    related: [{ at: placeOf(func, found.at), message: 'returns with the context open' }],
    fixes: found.statement && !setup.raw ? [releaseBefore(file, func, found.statement, 'Destroy the context before the return', `${release}(${file.source(placeOf(func, context))})`)] : [],
  };
}

/** Buffers freed while their request may still run, in front of the io_destroy that would have waited for it. */
function* freedBefore(file: View, flow: Flow): Generator<Draft> {
  const frees = freesIn(flow);
  for (const s of frees.length ? submissionsIn(file, flow) : []) {
    for (const { call, event, value } of frees) {
      if (!s.transfers.some((t) => isSameMemory(t.buffer, value)) || !destroyBehind(file, flow, event) || !stillRunning(file, flow, s, (e) => e === event)) continue;
      yield {
        at: placeOf(flow.func, call), severity: 'warning',
        message: 'This buffer is freed while its request may still be running: io_destroy() waits for that, so destroy the context first.',
        related: [{ at: placeOf(flow.func, s.at), message: 'submitted here' }],
      };
    }
  }
}
function isName(e: Expr, id: string): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === id;
}
