import { load, pointees, rootOf, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { constant } from '../../flow/value';
import { aioCall, aioCalls } from '../../idioms/aio-call';
import { eventOf, wayTo } from '../../idioms/paths';
import { resultFlow } from '../../idioms/return-convention';
import { lvalue } from '../../idioms/tested';
import { bare, callsIn, statements, walk, type Call, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type DraftFix, type Rule, type View } from '../rule';

export const aioCtxNotZeroed: Rule = {
  info: {
    id: 'aio-ctx-not-zeroed', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'io_setup gets a context that was never set to zero, and fails with EINVAL for whatever was there.',
  },
  why: 'io_setup() refuses a handle that is not zero with EINVAL. A local without an initialiser is zero only by chance.',
  families: ['libaio', 'raw-aio'],
  tokens: /io_setup/,
  check(file, func, report) {
    const flow = func.damaged ? undefined : file.program.flow(func);
    if (flow) again(file, flow, report);
    flow?.replay((event, memory) => {
      const setup = event.kind === 'call' ? aioCall(file, event.call) : undefined;
      const handle = setup?.name === 'io_setup' ? setup.args[1] : undefined;
      if (!setup || !handle) return;
      const destroyed = destroyedBefore(file, flow, setup.call, handle);
      if (destroyed) report({
        at: placeOf(func, bare(handle)),
        message: 'io_destroy() leaves the handle as it is, and io_setup() refuses any that is not zero with EINVAL. Set it to 0 in between.',
        related: [{ at: placeOf(func, destroyed), message: 'destroyed here' }],
      });
      const part = memberLeftToChance(file, func, flow, handle, memory);
      if (part) report({ at: placeOf(func, bare(handle)), message: `${part} was never set to zero before io_setup(): the kernel refuses any other value with EINVAL, and what the memory holds is chance.` });
      const keys = pointees(flow.value(handle, memory));
      const key = keys.length === 1 ? keys[0]! : undefined;
      const local = key === undefined ? undefined : func.locals.get(rootOf(key));
      // what a pointer leads to came from elsewhere
      if (key === undefined || !local || local.static || key.includes('*') || func.params.includes(local)) return;
      const held = load(memory, key);
      if (held.unknown || held.atoms.size > 0 || constant(held) === 0n) return;
      if (file.language === 'cpp' && key !== local.id) return;
      report({
        at: placeOf(func, bare(handle)),
        message: `${key === local.id ? local.name : 'This context'} is not set to zero before io_setup(): the kernel refuses any other value with EINVAL, and what is on the stack is chance.`,
        related: [{ at: placeOf(func, local), message: 'declared here, without a value' }],
        fixes: key === local.id ? zeroFix(func, local) : [],
      });
    });
  },
};

/** A handle that was in use, and that nobody set back: io_destroy() does not. */
function again(file: View, flow: Flow, report: Parameters<NonNullable<Rule['check']>>[2]): void {
  const { func } = flow;
  const setUps = callsIn(func).filter((c) => aioCall(file, c)?.name === 'io_setup');
  if (setUps.length < 2) return;
  const results = resultFlow(file, func);
  const text = (e: Expr | undefined) => (e ? file.source(placeOf(func, bare(e))).replace(/\s/g, '') : '');
  const handle = (c: Call) => text(aioCall(file, c)!.args[1]);
  for (const second of setUps) {
    const first = setUps.find((c) => c !== second && c.span.start < second.span.start && handle(c) === handle(second) && /^&\w/.test(handle(c)));
    const from = first && eventOf(flow, first);
    if (!first || !from || !results) continue;
    const target = handle(first).slice(1);
    const reached = wayTo(flow, from, {
      goal: (e) => e?.kind === 'call' && e.call === second,
      stop: (e) => (e.kind === 'store' && text(e.target) === target) || (e.kind === 'declare' && e.local.name === target)
        || (e.kind === 'call' && aioCall(file, e.call) === undefined && e.call.args.some((a) => text(a) === `&${target}`)),
      // a set-up that failed has left it alone
      edge: (edge, block) => {
        const state = results.after(block);
        return !state || results.outcome(edge, state, first) !== true;
      },
    });
    if (reached) report({
      at: placeOf(func, bare(aioCall(file, second)!.args[1]!)), related: [{ at: placeOf(func, first), message: 'set up here before' }],
      message: `${target} still holds what the io_setup() before put there, also after io_destroy(): the kernel refuses any value but zero with EINVAL. Set it to 0 in between.`,
    });
  }
}

/** The io_destroy() of the same handle that leads to this io_setup() with nothing stored in between. */
function destroyedBefore(file: View, flow: Flow, setup: Call, handle: Expr): Call | undefined {
  const inner = bare(handle);
  const key = inner.kind === 'unary' && inner.op === '&' ? lvalue(inner.operand) : undefined;
  if (key === undefined) return undefined;
  const root = key.split(/->|\./)[0]!;
  const touches = (e: Expr): boolean => [...walk([e])].some((x) => lvalue(x) === key || lvalue(x) === root);
  const all = aioCalls(file, flow.func);
  // two set-ups are compared with each other
  if (all.filter((c) => c.name === 'io_setup').length > 1) return undefined;
  for (const { call, name, args } of all) {
    if (name !== 'io_destroy' || !args[0] || lvalue(args[0]) !== key) continue;
    const from = eventOf(flow, call);
    const found = from && wayTo(flow, from, {
      goal: (e) => e?.kind === 'call' && e.call === setup,
      stop: (e) => (e.kind === 'store' && touches(e.target)) || (e.kind === 'declare' && e.local.id === root) || (e.kind === 'call' && !aioCall(file, e.call) && e.call.args.some(touches)),
    });
    if (found) return call;
  }
  return undefined;
}

/** A member of what malloc() gave and nobody cleared, or of an object whose class gives it no value anywhere. */
function memberLeftToChance(file: View, func: Func, flow: Flow, handle: Expr, memory: Memory): string | undefined {
  const inner = bare(handle);
  const target = inner.kind === 'unary' && inner.op === '&' ? bare(inner.operand) : undefined;
  if (target?.kind === 'member' && target.deref && file.language === 'c') {
    const atoms = [...flow.value(target.object, memory).atoms.values()];
    const [from] = atoms;
    const held = load(memory, pointees(flow.value(handle, memory))[0] ?? '');
    const fresh = atoms.length === 1 && from?.kind === 'call' && !from.via.length && /^(?:malloc|aligned_alloc|memalign)$/.test(from.call.name) && !file.program.defines(from.call.name);
    return fresh && !held.unknown && held.atoms.size === 0 ? `${target.field} of this new object` : undefined;
  }
  if (file.language !== 'cpp' || target?.kind !== 'name' || target.id.includes('~')) return undefined;
  const { name } = target;
  const owner = func.owner.replace(/^.*::/, '');
  // a class of a header has no owner here
  const field = file.program.ownersOf(name).length <= 1 ? file.program.fieldsOf(owner).find((f) => f.name === name) : undefined;
  // objects of static storage begin as zeros
  const given = new RegExp(`\\b${name}\\s*(?:=(?!=)|\\{|\\()|mem(?:set|cpy)\\s*\\([^;]*(?:this|${name})|\\b(?:static|thread_local|extern)\\s+${owner}\\b|^${owner}\\s+\\w+`, 'm');
  return field && !field.initial && !field.pointer && !field.array && /^(?:io_context_t|aio_context_t)$/.test(field.type) && func.name === owner && !file.says(given) ? `${name} has no initialiser and` : undefined;
}

function zeroFix(func: Func, local: Local): DraftFix[] {
  const s = [...statements(func.body)].find((x) => x.kind === 'declare' && x.local.id === local.id);
  return s?.kind === 'declare' && s.alone && !s.init && !local.array
    ? [{ title: `Set ${local.name} to 0`, edits: [insertion(func, local.span.end, ' = 0')], safe: true }] : [];
}
