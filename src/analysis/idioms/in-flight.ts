/**
 * Requests between their submission and their completion, along a function's ways: which descriptor and which memory they use,
 * and what is closed or released meanwhile.
 */
import { CQE_SOURCES, URING_SUBMIT } from '../api/names';
import type { Edge, Event } from '../flow/cfg';
import { solve } from '../flow/dataflow';
import { pointees, within, type Memory } from '../flow/memory';
import type { Flow, Program } from '../flow/program';
import { atomId, type Value } from '../flow/value';
import { bare, type Call, type Expr, type Func } from '../model';
import { isOutOfTheWay } from './out-of-sight';
import { operandOf, type Tested } from './tested';
import { PREPS, prepName } from './sqe-preps';

export interface Request {
  call: Call;
  op: string;
  /** values its descriptor may be */
  fd: ReadonlySet<string>;
  /** the memory it reads or writes: as values, and as keys */
  memory: ReadonlySet<string>;
  keys: readonly string[];
}
/**
 * `overdue`: a wait with a time limit ended without it; `orphan`: its ring was closed without a wait; `waiting`: a wait came back
 * and nobody has looked how; `done`: it is over, never began, or is in other hands.
 */
export type Stage = 'queued' | 'submitted' | 'waiting' | 'overdue' | 'orphan' | 'done';

export type Mishap =
  /** its memory is given back; `exit` closes the ring */
  | { kind: 'freed'; request: Request; stage: Stage; at: Call; exit: Call | undefined }
  /** its descriptor is closed */
  | { kind: 'closed'; request: Request; at: Call };

type Stages = ReadonlyMap<Call, ReadonlySet<Stage>>;

const FREES = /^(?:delete|(?:g_|x|_mm_|aligned_|qemu_v|std::)?free|munmap|io_uring_free_buf_ring|numa_free|rte_free|spdk_(?:dma_)?free)$/;
const CANCELS = /^io_uring_(?:prep_(?:cancel\w*|timeout_remove|poll_remove|shutdown)|register_sync_cancel)$/;
const TIMED = /timeout|io_uring_wait_cqes/;
/** Words of functions that wait for what is under way, or stop it. */
const SETTLES = /wait|reap|drain|cancel|poll|complet|flush|loop|run|process|finish|stop|shutdown|sync|join|abort|cqe/i;

/** What goes wrong with requests in flight; undefined where nothing is known of the function. */
export function mishaps(program: Program, func: Func): readonly Mishap[] | undefined {
  return program.memo.derived(func, 'in flight', () => {
    if (!program.mentions(func, /io_uring_prep_/) || !program.mentions(func, /free|delete|munmap|close/)) return undefined;
    const flow = program.flow(func);
    return flow && new InFlight(program, flow).run();
  });
}

class InFlight {
  private readonly requests = new Map<Call, Request>();
  private readonly memories = new Map<Event, Memory>();
  private readonly ends = new Map<number, Memory>();
  private readonly found = new Map<string, Mishap>();
  private readonly exits: Call[] = [];
  private reporting = false;

  constructor(private readonly program: Program, private readonly flow: Flow) {
    flow.replay((event, memory) => {
      this.memories.set(event, memory);
      if (event.kind === 'call' && event.call.name === 'io_uring_queue_exit') this.exits.push(event.call);
    });
    for (const block of flow.cfg.blocks) {
      const memory = block.next.some((e) => e.guard) ? flow.after(block) : undefined;
      if (memory) this.ends.set(block.id, memory);
    }
  }

  run(): readonly Mishap[] {
    const entries = solve<Stages>(this.flow.cfg, {
      start: new Map(), step: (e, s) => this.step(e, s), along: (e, s, from) => this.along(e, s, this.ends.get(from.id)), join, equal,
    });
    this.reporting = true;
    for (const [id, entry] of entries ?? []) this.flow.cfg.blocks[id]!.events.reduce<Stages>((s, e) => this.step(e, s), entry);
    return [...this.found.values()];
  }

  private step(event: Event, stages: Stages): Stages {
    const memory = this.memories.get(event);
    if (event.kind !== 'call' || !memory) return stages;
    const { call } = event;
    const callee = this.program.callee(call);
    if (callee) return SETTLES.test(callee.name) || this.program.mentions(callee, /cqe|io_uring_|reap|drain|wait/) ? settled(stages) : this.freed(call, memory, stages);
    const op = prepName(call.name);
    if (CANCELS.test(call.name) || call.name === 'shutdown') return settled(stages);
    if (op !== undefined) return this.prepared(call, op, memory, op === 'close' && call.args[1] ? this.closed(call, call.args[1], memory, stages) : stages);
    if (URING_SUBMIT.has(call.name)) return call.name === 'io_uring_submit' || call.name === 'io_uring_submit_and_get_events' ? moved(stages, ['queued'], 'submitted') : settled(stages);
    if (CQE_SOURCES.has(call.name)) return CQE_SOURCES.get(call.name) === 'wait' ? moved(stages, ['submitted', 'overdue'], 'waiting') : settled(stages);
    if (call.name === 'io_uring_queue_exit') return moved(stages, ['submitted'], 'orphan');
    if (call.name === 'close' && call.args[0]) return this.closed(call, call.args[0], memory, stages);
    if (FREES.test(call.name)) return this.freed(call, memory, stages);
    return isOutOfTheWay(call) ? stages : settled(stages);
  }

  private prepared(call: Call, op: string, memory: Memory, stages: Stages): Stages {
    const shape = PREPS.get(op);
    if (!shape) return stages;
    const value = (position: number | undefined): Value | undefined => (position !== undefined && call.args[position] ? this.flow.value(call.args[position], memory) : undefined);
    const buffer = value(shape.buffer);
    const vector = value(shape.vector);
    const bases = vector ? pointees(vector).map((k) => memory.values.get(`${k}.iov_base`)).filter((v) => v !== undefined) : [];
    const pointers = [...(buffer ? [buffer] : []), ...bases];
    this.requests.set(call, {
      call, op, fd: ids(value(shape.fd)), memory: new Set(pointers.flatMap((v) => [...ids(v)])),
      keys: pointers.flatMap((v) => [...v.atoms.values()].flatMap((a) => (a.kind === 'initial' || a.kind === 'address' ? [a.key] : []))),
    });
    return new Map(stages).set(call, new Set(['queued']));
  }

  private freed(call: Call, memory: Memory, stages: Stages): Stages {
    const arg = FREES.test(call.name) ? call.args[0] : undefined;
    if (!arg || !this.reporting) return stages;
    const value = this.flow.value(arg, memory);
    const own = ids(value);
    const objects = pointees(value);
    for (const [prep, set] of stages) {
      const request = this.requests.get(prep)!;
      if (![...request.memory].some((m) => own.has(m)) && !request.keys.some((k) => objects.some((o) => within(k, o)))) continue;
      const exit = this.exits.find((e) => e.span.start > call.span.start) ?? this.exits[0];
      for (const stage of ['overdue', 'orphan', 'submitted'] as const) {
        if (set.has(stage) && (stage === 'overdue' || set.size === 1)) this.found.set(`freed ${call.span.start}`, { kind: 'freed', request, stage, at: call, exit });
      }
    }
    return stages;
  }

  private closed(call: Call, fd: Expr, memory: Memory, stages: Stages): Stages {
    if (!this.reporting) return stages;
    const value = this.flow.value(fd, memory);
    for (const [prep, set] of stages) {
      const request = this.requests.get(prep)!;
      if (set.size === 1 && set.has('submitted') && [...ids(value)].some((i) => request.fd.has(i))) this.found.set(`closed ${call.span.start}`, { kind: 'closed', request, at: call });
    }
    return stages;
  }

  /** How a submission or a wait went, where that is tested. */
  private along(edge: Edge, stages: Stages, memory: Memory | undefined): Stages {
    const tested = edge.guard && operandOf(edge.guard.test);
    if (!tested || !memory) return stages;
    let out = stages;
    for (const a of this.flow.value(bare(tested.operand), memory).atoms.values()) {
      if (a.kind !== 'call') continue;
      const fine = succeeded(tested, edge.guard!.truth);
      if (URING_SUBMIT.has(a.call.name) && fine !== true) out = moved(out, ['submitted'], 'done');
      if (CQE_SOURCES.get(a.call.name) === 'wait') out = moved(out, ['waiting'], fine === false && (TIMED.test(a.call.name) || tested.with === 'error') ? 'overdue' : 'done');
    }
    return out;
  }
}

/** Numbers are no identity: two descriptors may both be 3, or unset. */
function ids(v: Value | undefined): Set<string> {
  return new Set(v && !v.unknown ? [...v.atoms.values()].filter((a) => a.kind !== 'int').map(atomId) : []);
}
/** Whether a test says that a call did what it should. */
function succeeded({ op, with: value }: Tested, truth: boolean): boolean | undefined {
  if (value === 'error') return op === '==' ? !truth : truth;
  if (value === undefined) return op === '==' ? truth : op === '!=' ? !truth : undefined;
  if (value < 0n) return op === '==' ? !truth : op === '!=' ? truth : undefined;
  switch (op) {
    case '<': case '<=': return !truth;
    case '>': case '>=': return truth;
    case '==': return truth;
    case '!=': return !truth;
  }
}
/** Requests of some stages are in another. */
function moved(stages: Stages, from: Stage[], to: Stage): Stages {
  return new Map([...stages].map(([prep, set]) => [prep, from.some((s) => set.has(s)) ? new Set([...set].map((s) => (from.includes(s) ? to : s))) : set]));
}
function settled(stages: Stages): Stages {
  return new Map([...stages.keys()].map((prep) => [prep, DONE]));
}
const DONE: ReadonlySet<Stage> = new Set(['done'] as const);
/** What was not queued on one way is not in flight there. */
function join(a: Stages, b: Stages): Stages {
  const out = new Map<Call, ReadonlySet<Stage>>();
  for (const prep of new Set([...a.keys(), ...b.keys()])) out.set(prep, new Set([...(a.get(prep) ?? DONE), ...(b.get(prep) ?? DONE)]));
  return out;
}
function equal(a: Stages, b: Stages): boolean {
  return a.size === b.size && [...a].every(([prep, set]) => b.get(prep)?.size === set.size && [...set].every((s) => b.get(prep)!.has(s)));
}
