import { isGuard } from '../../api/names';
import type { Block, Edge, Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { assignmentsTo } from '../../idioms/assignments';
import { wayTo } from '../../idioms/paths';
import { resultFlow } from '../../idioms/return-convention';
import { useOfResult } from '../../idioms/result-use';
import { ON_RING, RING_EXIT, RING_INIT, ringKeys, setupsIn, sharedName, type Setup } from '../../idioms/ring-setup';
import { bare, statements, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

type Report = (draft: Draft) => void;

export const uringInitUnchecked: Rule = {
  info: {
    id: 'uring-init-unchecked', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'Nobody asks whether the ring could be created, or a ring is used though that failed.',
  },
  why: 'Creating a ring fails where containers, sysctls or old kernels refuse io_uring. The ring then holds garbage or null pointers, and the next call on it, io_uring_queue_exit() included, crashes.',
  families: ['liburing', 'raw-io-uring'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /io_uring_|IORING_OFF_/)) return;
    for (const s of setupsIn(file, func)) {
      if (s.at !== s.call) continue;
      if (s.call.discarded !== 'void' && useOfResult(file, func, s.call) === 'ignored') unchecked(s, report);
      else usedAfterFailure(file, s, report);
    }
    if (func.kind === 'destructor') destroyedAfterFailure(file, func, report);
    const [map] = uncheckedMaps(file, func);
    if (map) {
      report({ at: placeOf(func, map), severity: 'warning', message: 'mmap() of the ring may fail, and tells so with MAP_FAILED, which nothing looks for here.' });
    }
  },
};

function unchecked(s: Setup, report: Report): void {
  const name = s.call.name === 'syscall' ? 'io_uring_setup' : s.call.name;
  report({ at: placeOf(s.func, s.call), message: `The result of ${name}() is never looked at: where io_uring is refused the ring is unusable, and the next call on it crashes.` });
}

/** Every way on from the failure leads to a call on the ring. */
function usedAfterFailure(file: View, s: Setup, report: Report): void {
  const { func } = s;
  const flow = file.program.flow(func);
  const results = resultFlow(file, func);
  if (!flow || !results || s.ring === undefined || !RING_INIT.test(s.call.name) || isElement(s.call.args[1])) return;
  const uses = usesOf(flow, s.ring);
  for (const block of flow.cfg.blocks) {
    const state = block.next.some((e) => e.guard) ? results.after(block) : undefined;
    if (!state) continue;
    for (const edge of block.next) {
      if (results.outcome(edge, state, s.call) !== true) continue;
      const use = inevitable(file, flow, edge, uses, givenAround(func, s.call));
      if (!use) continue;
      report({
        at: placeOf(func, use),
        message: `${use.name}() is also reached when ${s.call.name}() failed: the ring is not valid then, and the call crashes.`,
        related: [{ at: placeOf(func, s.call), message: 'the ring is created here' }],
      });
      return;
    }
  }
}
/** `&rings[i]`: which of them a later call means is not known. */
function isElement(ring: Expr | undefined): boolean {
  return ring !== undefined && [...walk([ring])].some((e) => e.kind === 'index');
}
/** Calls on the ring by their event. */
function usesOf(flow: Flow, ring: string): Map<Event, Call> {
  const out = new Map<Event, Call>();
  flow.replay((event, memory) => {
    if (event.kind !== 'call' || !event.call.args[0] || !(ON_RING.test(event.call.name) || event.call.name === RING_EXIT)) return;
    if (ringKeys(flow, memory, event.call.args[0]).join() === ring) out.set(event, event.call);
  });
  return out;
}

/** Project functions that may not come back, or clean up on their own. */
const MAY_NOT_RETURN = /fatal|die|abort|exit|panic|throw|raise|bail|crash|terminate|(?<!^p|str)error$|^err|fail/i;
/** Variables that hold where the call is made, and that the function never changes: `if (wanted) { … init … }`. */
function givenAround(func: Func, call: Call): ReadonlySet<string> {
  const out = new Set<string>();
  for (const s of statements(func.body)) {
    const test = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'name' || !test.id.includes('~') || assignmentsTo(func, test.id).length) continue;
    if (s.then.some((b) => b.span.start <= call.span.start && call.span.end <= b.span.end)) out.add(test.id);
  }
  return out;
}
/** The call that every way from an edge meets; undefined when one leads around. */
function inevitable(file: View, flow: Flow, from: Edge, uses: Map<Event, Call>, given: ReadonlySet<string> = new Set()): Call | undefined {
  const { cfg } = flow;
  let first: Call | undefined;
  const seen = new Set<number>([from.to]);
  const work: Block[] = [cfg.blocks[from.to]!];
  for (let block = work.pop(); block; block = work.pop()) {
    let met = false;
    for (const event of block.events) {
      const use = uses.get(event);
      if (use) {
        met = true;
        if (!first || use.span.start < first.span.start) first = use;
        break;
      }
      // a second attempt, or nobody knows whether it comes back
      if (event.kind === 'call' && (RING_INIT.test(event.call.name) || (MAY_NOT_RETURN.test(event.call.name) && !file.program.callee(event.call)))) return undefined;
    }
    if (met) continue;
    if (block.id === cfg.exit || block.next.length === 0) return undefined;
    for (const { to, guard } of block.next) {
      const test = guard && bare(guard.test);
      if (seen.has(to) || (test?.kind === 'name' && given.has(test.id) && !guard!.truth)) continue;
      seen.add(to);
      work.push(cfg.blocks[to]!);
    }
  }
  return first;
}

/** A constructor that carries on after the failure, and a destructor that closes the ring whatever happened. */
function destroyedAfterFailure(file: View, func: Func, report: Report): void {
  const { program } = file;
  const flow = program.mentions(func, /io_uring_queue_exit/) ? program.flow(func) : undefined;
  const constructor = program.functions().find((f) => f.owner === func.owner && f.name === func.owner.replace(/^.*::/, '') && f.kind === 'function' && f.parent === undefined);
  if (!flow || !constructor) return;
  const created = setupsIn(file, constructor);
  for (const s of created) {
    const name = s.ring === undefined || s.at !== s.call ? undefined : sharedName(s.ring);
    // a second attempt: the result at the end is that of either
    if (name === undefined || created.some((o) => o !== s && o.ring === s.ring) || !carriesOn(file, s)) continue;
    const exits = new Map<Event, Call>();
    flow.replay((event, memory) => {
      if (event.kind !== 'call' || event.call.name !== RING_EXIT || !event.call.args[0]) return;
      if (ringKeys(flow, memory, event.call.args[0]).some((k) => sharedName(k) === name)) exits.set(event, event.call);
    });
    const exit = inevitable(file, flow, { to: flow.cfg.entry }, exits);
    if (!exit) continue;
    report({
      at: placeOf(func, exit), message: `The constructor carries on when ${s.call.name}() fails, and then this crashes: the ring was never valid. Throw there, or remember whether it worked.`,
      related: [{ at: placeOf(constructor, s.call), message: 'the ring is created here' }],
    });
  }
}
/** Whether the function ends normally after the creation failed. */
function carriesOn(file: View, s: Setup): boolean {
  const flow = file.program.flow(s.func);
  const results = resultFlow(file, s.func);
  if (!flow || !results) return false;
  return flow.cfg.blocks.some((block) => {
    const state = block.next.some((e) => e.guard) ? results.after(block) : undefined;
    return state !== undefined && block.next.some((edge) => results.outcome(edge, state, s.call) === true
      && wayTo(flow, flow.cfg.blocks[edge.to]!, {
        goal: (e) => e === undefined,
        stop: (e) => e.kind === 'call' && (RING_INIT.test(e.call.name) || MAY_NOT_RETURN.test(e.call.name) || isGuard(e.call.name)),
      }) === 'end');
  });
}

/** Mappings of a raw ring that are compared with nothing. */
function* uncheckedMaps(file: View, func: Func): Generator<Call> {
  if (!file.program.mentions(func, /IORING_OFF_/)) return;
  const all = [...walkFunction(func)];
  const text = (e: Expr): string => file.source(placeOf(func, bare(e))).replace(/\s/g, '');
  const tested = new Set<string>();
  for (const e of all) {
    if (e.kind === 'binary' && /^[=!<>]/.test(e.op)) for (const side of [bare(e.left), bare(e.right)]) tested.add(text(side.kind === 'assign' ? side.target : side));
    if (e.kind === 'call' && isGuard(e.name)) for (const a of e.args) tested.add(text(a));
    if (e.kind === 'unary' && e.op === '!') tested.add(text(e.operand));
  }
  const holders: [Expr | undefined, Expr][] = [];
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init) holders.push([{ kind: 'name', name: s.local.name, id: s.local.id, span: s.local.span }, bare(s.init)]);
  for (const e of all) if (e.kind === 'assign') holders.push([e.target, bare(e.value)]);
  for (const [target, value] of holders) {
    // through a pointer it goes to someone who may look
    if (target && !(target.kind === 'unary' && target.op === '*') && value.kind === 'call' && /^mmap(?:64)?$/.test(value.name) && value.args.some(isRingOffset) && !tested.has(text(target))) yield value;
  }
}
function isRingOffset(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.name.startsWith('IORING_OFF_');
}
