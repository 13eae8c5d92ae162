import { rootOf } from '../../flow/memory';
import type { Event } from '../../flow/cfg';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { comesBack, isGuarded, leakingReturn, releaseBefore, type Holding } from '../../idioms/leaks';
import { RING_EXIT, RING_INIT, ringKeys, setupsIn, sharedName, type Setup } from '../../idioms/ring-setup';
import { threadStarts } from '../../idioms/threads';
import { bare, statements, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

type Report = (draft: Draft) => void;

export const uringMissingExit: Rule = {
  info: {
    id: 'uring-missing-exit', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic', cleanup: true,
    summary: 'A ring, a buffer ring or a probe is created and not given back.',
  },
  why: 'A ring that is not closed keeps its descriptor, its mappings, and the buffers and files registered with it until the process ends.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged || func.name === 'main' || !file.program.mentions(func, /io_uring_(?:queue_init|get_probe|setup_buf_ring)/)) return;
    for (const s of setupsIn(file, func)) {
      if (s.at !== s.call || s.ring === undefined || !RING_INIT.test(s.call.name)) continue;
      if (file.program.mentions(func, /io_uring_queue_exit/)) leakingReturns(file, s, report);
      else neverClosed(file, s, report);
    }
    for (const made of unreleased(file, func)) report(made);
  },
};

/** Nobody in the file closes it: a ring of this function's own, or a member of a class the file shows whole. */
function neverClosed(file: View, s: Setup, report: Report): void {
  const { func } = s;
  const own = isOwn(func, s.ring!);
  if (own ? escapes(file, func, s.ring!) || !(comesBack(file, func) || leavesThread(file, func)) : !isWholeClass(file, s)) return;
  if (!own && file.program.functions(/io_uring_queue_exit/).length) return;
  report({ at: placeOf(func, s.call), message: `Nothing closes this ring: ${RING_EXIT}() is missing${own ? ' in this function' : ', in the destructor for example'}.` });
}
/** A thread's own function that leaves its endless loop by a return: each thread that ends leaves a ring behind. */
function leavesThread(file: View, func: Func): boolean {
  if (file.program.mentions(func, /\b_?exit\s*\(/) || !threadStarts(file).some((t) => t.entry === func)) return false;
  return [...statements(func.body)].some((s) => s.kind === 'loop' && [...statements(s.body)].some((x) => x.kind === 'return'));
}
function isOwn(func: Func, key: string): boolean {
  const local = func.locals.get(key);
  return local !== undefined && !func.params.includes(local) && !local.pointer && !local.static && !local.reference;
}
/** The ring's address goes where this function does not see it, or somebody closes it at the end of its scope. */
function escapes(file: View, func: Func, ring: string): boolean {
  const local = func.locals.get(ring)!;
  if (isGuarded(file, func)) return true;
  const named = (e: Expr): boolean => {
    const inner = bare(e);
    return (inner.kind === 'unary' && inner.op === '&' ? named(inner.operand) : inner.kind === 'name' && inner.id === local.id);
  };
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && e.args.some(named) && !(isOutOfTheWay(e) && !file.program.callee(e))) return true;
    if (e.kind === 'assign' && named(e.value)) return true;
    if (e.kind === 'list' && e.items.some((i) => named(i.value))) return true;
    if (e.kind === 'lambda') return true;
  }
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init && named(s.init)) return true;
    if (s.kind === 'return' && s.value && named(s.value)) return true;
  }
  return false;
}
/** A member ring of a C++ class whose definition is in the file, with a body for its destructor or without any. */
function isWholeClass(file: View, s: Setup): boolean {
  const name = sharedName(s.ring!);
  if (file.language !== 'cpp' || !s.func.owner || name === undefined) return false;
  const owner = s.func.owner.replace(/^.*::/, '');
  return file.program.fieldsOf(owner).some((f) => f.name === name && f.type === 'io_uring') && file.program.functions().some((f) => f.kind === 'destructor' && f.owner.replace(/^.*::/, '') === owner);
}

/** Returns that skip the exit which other ways through the function make. */
function leakingReturns(file: View, s: Setup, report: Report): void {
  const { func } = s;
  const flow = file.program.flow(func);
  const ring = s.ring!;
  if (!flow || [...walk(s.call.args)].some((e) => e.kind === 'index') || isGuarded(file, func)) return;
  const changes = new Map<Event, Holding>();
  flow.replay((event, memory) => {
    if (event.kind !== 'call') return;
    const { call } = event;
    if (call === s.call) changes.set(event, 'open');
    else if (RING_INIT.test(call.name) && call.args[1] && ringKeys(flow, memory, call.args[1]).includes(ring)) changes.set(event, 'mixed');
    else if (call.name === RING_EXIT && call.args[0] && ringKeys(flow, memory, call.args[0]).includes(ring)) changes.set(event, 'closed');
    else if (!isOutOfTheWay(call) && mayClose(file, call, ring, (e) => ringKeys(flow, memory, e))) changes.set(event, 'mixed');
  });
  const leak = leakingReturn(file, flow, s.call, changes);
  if (!leak) return;
  report({
    at: placeOf(func, s.call), severity: 'warning',
    message: `This ring leaks on a way that returns without ${RING_EXIT}(); other ways close it.`,
    related: [{ at: placeOf(func, leak.at), message: 'returns with the ring open' }],
    fixes: leak.statement ? [releaseBefore(file, func, leak.statement, 'Close the ring before the return', `${RING_EXIT}(${file.source(placeOf(func, s.call.args[1]!))})`)] : [],
  });
}
/** Whether a call gets something through which it may reach the ring. */
function mayClose(file: View, call: Call, ring: string, keysOf: (e: Expr) => string[]): boolean {
  if (call.args.some((a) => keysOf(a).some((k) => rootOf(k) === rootOf(ring)))) return true;
  const callee = file.program.callee(call);
  return !rootOf(ring).includes('~') && (callee === undefined || file.program.mentions(callee, /io_uring_queue_exit/));
}
const PAIRS = new Map([
  ['io_uring_get_probe', /io_uring_free_probe|\bfree\b/], ['io_uring_get_probe_ring', /io_uring_free_probe|\bfree\b/],
  ['io_uring_setup_buf_ring', /io_uring_free_buf_ring|munmap|\bfree\b/],
]);
/** Probes and buffer rings in a local that nothing gives back. */
function* unreleased(file: View, func: Func): Generator<Draft> {
  const made = [...statements(func.body)].flatMap((s) => (s.kind === 'declare' && s.init ? [{ id: s.local.id, value: s.init }] : []));
  for (const e of walkFunction(func)) if (e.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && isLocal(func, e.target.id)) made.push({ id: e.target.id, value: e.value });
  for (const { id, value } of made) {
    const call = bare(value);
    if (call.kind !== 'call' || !PAIRS.has(call.name) || file.program.mentions(func, PAIRS.get(call.name)!) || !comesBack(file, func)) continue;
    if (!staysLocal(file, func, id, call)) continue;
    const release = call.name.endsWith('buf_ring') ? 'io_uring_free_buf_ring' : 'io_uring_free_probe';
    yield { at: placeOf(func, call), message: `${call.name}() allocates, and nothing gives it back: ${release}() is missing.` };
  }
}
function isLocal(func: Func, id: string): boolean {
  const local = func.locals.get(id);
  return local !== undefined && !local.static && !func.params.includes(local);
}
/** The pointer is neither kept, nor returned, nor handed to code out of sight. */
function staysLocal(file: View, func: Func, id: string, made: Call): boolean {
  const named = (e: Expr): boolean => {
    const inner = bare(e);
    return inner.kind === 'name' && inner.id === id;
  };
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && e.args.some(named) && !(isOutOfTheWay(e) && !file.program.callee(e))) return false;
    if ((e.kind === 'assign' && bare(e.value) !== made && (named(e.value) || named(e.target))) || e.kind === 'lambda') return false;
    if (e.kind === 'list' && e.items.some((i) => named(i.value))) return false;
  }
  return ![...statements(func.body)].some((s) => (s.kind === 'return' && s.value && named(s.value)) || (s.kind === 'declare' && s.init && named(s.init)));
}
