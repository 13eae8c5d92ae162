import type { Block, Edge, Event } from '../../flow/cfg';
import { solve } from '../../flow/dataflow';
import { within, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { sqeFlow } from '../../idioms/sqe';
import { operandOf } from '../../idioms/tested';
import { ON_RING, ringKeys, setupsIn } from '../../idioms/ring-setup';
import { bare, type Call, type Expr } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

export const uringRingUsedAfterFork: Rule = {
  info: {
    id: 'uring-ring-used-after-fork', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'A child process uses the ring that its parent created before fork().',
  },
  why: 'The rings\' memory is shared with the child, but liburing\'s own copies of head and tail are not: parent and child overwrite each other\'s requests. After io_uring_ring_dontfork() the memory is not even there.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /\bfork\b|\bdaemon\b/)) return;
    const flow = file.program.flow(func);
    if (!flow) return;
    const told = new Set<string>();
    for (const { call, key, fork } of usesInChild(file, flow)) {
      if (told.has(key)) continue;
      told.add(key);
      report({
        at: placeOf(func, call), message: `This ring was created before ${fork.name}() and is the parent's: liburing's state of the queues is not shared, and the two corrupt each other. Create a ring of its own in the child.`,
        related: [{ at: placeOf(func, fork), message: `${fork.name}() is here` }],
      });
    }
  },
};

interface State {
  /** rings created in this process */
  live: ReadonlySet<string>;
  /** rings of the parent, in what is surely the child */
  inherited: ReadonlySet<string>;
  /** rings of the parent on the ways where daemon() was called: programs call it or not as they are told */
  left: ReadonlySet<string>;
  daemon: Call | undefined;
  fork: Call | undefined;
}
const NONE: ReadonlySet<string> = new Set();

function usesInChild(file: View, flow: Flow): { call: Call; key: string; fork: Call }[] {
  const { func } = flow;
  const created = new Map<Call, string[]>();
  for (const s of setupsIn(file, func)) if (s.ring !== undefined) created.set(s.at, [...(created.get(s.at) ?? []), s.ring]);
  if (!created.size) return [];
  const memories = new Map<Event, Memory>();
  flow.replay((event, memory) => memories.set(event, memory));
  const ends = new Map<Block, Memory | undefined>();
  const step = (event: Event, state: State): State => {
    if (event.kind !== 'call') return state;
    const made = created.get(event.call);
    if (made) return { ...state, live: new Set([...state.live, ...made]), inherited: without(state.inherited, made), left: without(state.left, made) };
    if (isCallOf(event.call, 'daemon')) return { live: NONE, inherited: NONE, fork: state.fork, left: new Set([...state.live, ...state.inherited, ...state.left]), daemon: event.call };
    if (event.call.name !== 'io_uring_queue_exit' || !event.call.args[0]) return state;
    const gone = ringKeys(flow, memories.get(event)!, event.call.args[0]);
    return { ...state, live: without(state.live, gone), inherited: without(state.inherited, gone), left: without(state.left, gone) };
  };
  const along = (edge: Edge, state: State, from: Block): State => {
    if (!edge.guard) return state;
    if (!ends.has(from)) ends.set(from, flow.after(from));
    const memory = ends.get(from);
    const fork = memory && childBranch(flow, edge, memory);
    return fork ? { ...state, live: NONE, inherited: new Set([...state.live, ...state.inherited]), fork } : state;
  };
  const entries = solve<State>(flow.cfg, {
    start: { live: NONE, inherited: NONE, fork: undefined, left: NONE, daemon: undefined }, step, along,
    join: (a, b) => ({
      live: both(a.live, b.live), inherited: both(a.inherited, b.inherited), fork: a.fork ?? b.fork,
      left: [...b.left].every((k) => a.left.has(k)) ? a.left : new Set([...a.left, ...b.left]), daemon: a.daemon ?? b.daemon,
    }),
    equal: (a, b) => same(a.live, b.live) && same(a.inherited, b.inherited) && same(a.left, b.left),
  });
  const out: { call: Call; key: string; fork: Call }[] = [];
  for (const [id, entry] of entries ?? []) {
    let state = entry;
    for (const event of flow.cfg.blocks[id]!.events) {
      for (const [fork, rings] of [[state.fork, state.inherited], [state.daemon, state.left]] as const) {
        const key = event.kind === 'call' && fork ? inheritedUse(file, flow, event.call, memories.get(event)!, rings) : undefined;
        if (event.kind === 'call' && fork && key !== undefined) out.push({ call: event.call, key, fork });
      }
      state = step(event, state);
    }
  }
  return out.sort((a, b) => a.call.span.start - b.call.span.start);
}

/** The ring of the parent's that a call works on, itself or in a function of the file that is handed it. */
function inheritedUse(file: View, flow: Flow, call: Call, memory: Memory, inherited: ReadonlySet<string>): string | undefined {
  if (!inherited.size) return undefined;
  const callee = file.program.callee(call);
  const direct = !callee && ON_RING.test(call.name) && !/queue_exit|dontfork|unregister|ready|space_left/.test(call.name);
  if (direct) return call.args[0] && ringKeys(flow, memory, call.args[0]).find((k) => inherited.has(k));
  if (!callee || file.program.homeOf(callee).mentions(callee, /queue_init|exec/)) return undefined;
  const used = usedThrough(file, flow, call);
  const through = [...inherited].find((key) => used.includes(key));
  if (through !== undefined || !file.program.homeOf(callee).mentions(callee, /io_uring_(?:get_sqe|submit|wait|peek)/) || file.program.homeOf(callee).mentions(callee, /_exit/)) return through;
  const given = call.args.flatMap((a) => ringKeys(flow, memory, a));
  return [...inherited].find((key) => given.some((k) => within(key, k)));
}

/** The rings that a function of the file takes sqes of, submits or waits on: by a global, or by a pointer it follows. */
function usedThrough(file: View, flow: Flow, call: Call): string[] {
  const events = sqeFlow(file.program, flow.func)?.events ?? [];
  return events.flatMap((e) => ((e.kind === 'queue' || e.kind === 'submit' || e.kind === 'reap') && e.inside && e.call === call ? [...e.rings] : []));
}

/** The fork whose result an edge's test takes for 0: only the child goes this way. */
function childBranch(flow: Flow, edge: Edge, memory: Memory): Call | undefined {
  const tested = operandOf(edge.guard!.test);
  if (!tested || typeof tested.with !== 'bigint') return undefined;
  const fork = forkOf(flow, tested.operand, memory);
  if (!fork) return undefined;
  const takes = (pid: bigint): boolean => compare(pid, tested.op, tested.with as bigint) === edge.guard!.truth;
  return takes(0n) && !takes(1000n) ? fork : undefined;
}
function forkOf(flow: Flow, e: Expr, memory: Memory): Call | undefined {
  const inner = bare(e);
  const value = inner.kind === 'assign' ? inner.value : inner;
  const atoms = [...flow.value(value, memory).atoms.values()];
  const [only] = atoms;
  return atoms.length === 1 && only?.kind === 'call' && isCallOf(only.call, 'fork') ? only.call : undefined;
}
function isCallOf(call: Call, name: string): boolean {
  return call.callee.kind === 'name' && call.name.replace(/^::/, '') === name;
}
function compare(x: bigint, op: string, y: bigint): boolean {
  switch (op) {
    case '<': return x < y;
    case '<=': return x <= y;
    case '>': return x > y;
    case '>=': return x >= y;
    case '==': return x === y;
    default: return x !== y;
  }
}

function without(set: ReadonlySet<string>, keys: string[]): ReadonlySet<string> {
  return keys.some((k) => set.has(k)) ? new Set([...set].filter((k) => !keys.includes(k))) : set;
}
function both(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return a === b ? a : new Set([...a].filter((k) => b.has(k)));
}
function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((k) => b.has(k));
}
