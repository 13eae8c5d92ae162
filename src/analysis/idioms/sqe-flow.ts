/** The events of a function's sqes along its ways. */
import { URING_SUBMIT } from '../api/names';
import { order, type Edge, type Event } from '../flow/cfg';
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { nullTest } from '../flow/typestate';
import { constant } from '../flow/value';
import { bare, type Call, type Expr } from '../model';
import { operandOf } from './tested';
import { mayBeSameRing, share, type SqeEvent } from './sqe-events';
import type { Read } from './sqe-reader';

const TIMED_WAIT = /^io_uring_(?:wait_cqe_timeout|wait_cqes|submit_and_wait_timeout)$/;
/**
 * `ahead`: loops are not gone round. `sqes` are not NULL on the way; those of the event where it starts, if not given.
 * `missing`: those are NULL instead, where the way asks. `submitted`: no submission on the way is found to have failed.
 */
export interface Way { ahead?: boolean; sqes?: readonly string[]; missing?: readonly string[]; submitted?: boolean }

export class SqeFlow {
  readonly events: SqeEvent[] = [];
  private readonly byBlock = new Map<number, SqeEvent[]>();
  private readonly nullOn = new Map<Edge, readonly string[]>();
  /** edges that are taken where a submission failed, or did not take everything */
  private readonly failedOn = new Set<Edge>();
  /** edges that are taken where a wait with a time limit came back without a completion */
  private readonly overdueOn = new Map<Edge, Call>();
  private readonly rank: Map<number, number>;
  private knownPredecessors: Map<number, number[]> | undefined;

  constructor(readonly flow: Flow, read: (event: Event, memory: Memory) => Read[]) {
    flow.replay((event, memory, block) => {
      for (const draft of read(event, memory)) {
        const own = this.byBlock.get(block.id) ?? [];
        const made = { ...draft.event, block: block.id, at: own.length, span: draft.span, memory } as SqeEvent;
        own.push(made);
        this.byBlock.set(block.id, own);
        this.events.push(made);
      }
    });
    this.rank = new Map(order(flow.cfg).map((id, i) => [id, i]));
    this.events.sort((a, b) => this.rank.get(a.block)! - this.rank.get(b.block)! || a.at - b.at);
    if (this.events.some((e) => 'sqes' in e)) this.findNulls();
  }

  private findNulls(): void {
    for (const block of this.flow.cfg.blocks) {
      const memory = block.next.some((e) => e.guard) ? this.flow.after(block) : undefined;
      if (!memory) continue;
      for (const edge of block.next) {
        const tested = edge.guard && nullTest(edge.guard.test, edge.guard.truth, (e) => constant(this.flow.value(e, memory)) === 0n);
        if (tested?.isNull) this.nullOn.set(edge, [...this.flow.value(tested.pointer, memory).atoms.keys()]);
        if (edge.guard && findsFailure(edge.guard, (e) => this.isSubmitResult(e, memory))) this.failedOn.add(edge);
        const wait = edge.guard && this.overdueWait(edge.guard, memory);
        if (wait) this.overdueOn.set(edge, wait);
      }
    }
  }

  private isSubmitResult(e: Expr, memory: Memory): boolean {
    return [...this.flow.value(e, memory).atoms.values()].some((a) => a.kind === 'call' && URING_SUBMIT.has(a.call.name));
  }

  /** The wait with a time limit that this outcome of a test says has failed. */
  private overdueWait(guard: NonNullable<Edge['guard']>, memory: Memory): Call | undefined {
    const tested = operandOf(guard.test);
    const [only, ...others] = tested ? this.flow.value(tested.operand, memory).atoms.values() : [];
    if (!tested || only?.kind !== 'call' || others.length || only.via.length || !TIMED_WAIT.test(only.call.name)) return undefined;
    const { op } = tested;
    const failed = tested.with === 'error' ? op === '==' && guard.truth
      : tested.with === 0n && (guard.truth ? op === '<' || op === '!=' : op === '==' || op === '>=');
    return failed ? only.call : undefined;
  }
  /** Goes on, from where a wait for the ring with a time limit that follows `from` has failed, to the end of the function. */
  walkOverdue(from: SqeEvent, rings: readonly string[], visit: (e: SqeEvent) => 'end' | undefined): boolean {
    const seen = new Set<number>();
    for (const [edge, wait] of this.overdueOn) {
      if (seen.has(edge.to) || !this.reaches(from, (e) => e.kind === 'reap' && e.call === wait && mayBeSameRing(e.rings, rings))) continue;
      seen.add(edge.to);
      if (edge.to === this.flow.cfg.exit || this.walk({ ...from, block: edge.to, at: -1 }, visit, { sqes: [] })) return true;
    }
    return false;
  }

  /** Whether the function asks somewhere if one of these sqes is NULL. */
  isTested(sqes: readonly string[]): boolean {
    return [...this.nullOn.values()].some((ids) => share(ids, sqes));
  }

  of<K extends SqeEvent['kind']>(kind: K): Extract<SqeEvent, { kind: K }>[] {
    return this.events.filter((e): e is Extract<SqeEvent, { kind: K }> => e.kind === kind);
  }

  /**
   * Goes on from behind an event along every way, each stretch once, until `visit` says that a way ends. Tells whether the
   * end of the function is reached.
   */
  walk(from: SqeEvent, visit: (e: SqeEvent) => 'end' | undefined, { ahead = false, sqes, missing, submitted = false }: Way = {}): boolean {
    const { cfg } = this.flow;
    const own = missing ? [] : sqes ?? ('sqes' in from ? from.sqes : []);
    const seen = new Set<number>();
    const stack: { block: number; at: number; behindLoop?: ReadonlySet<number> }[] = [{ block: from.block, at: from.at + 1 }];
    let exits = false;
    for (let top = stack.pop(); top; top = stack.pop()) {
      const events = this.byBlock.get(top.block) ?? [];
      let ended = false;
      for (let i = top.at; i < events.length && !ended; i++) ended = visit(events[i]!) === 'end';
      if (ended) continue;
      const next = cfg.blocks[top.block]!.next;
      const asks = missing && next.some((e) => this.nullOn.get(e)?.some((id) => missing.includes(id)));
      for (const edge of next) {
        if (asks && !this.nullOn.get(edge)?.some((id) => missing.includes(id))) continue;
        if (seen.has(edge.to) || top.behindLoop?.has(edge.to)) continue;
        if (submitted && this.failedOn.has(edge)) continue;
        if (own.length && this.nullOn.get(edge)?.some((id) => own.includes(id))) continue;
        seen.add(edge.to);
        if (edge.to === cfg.exit) exits = true;
        const back = ahead && this.rank.get(edge.to)! <= this.rank.get(top.block)!;
        stack.push({ block: edge.to, at: 0, ...(back ? { behindLoop: this.loop(edge.to, top.block) } : {}) });
      }
    }
    return exits;
  }
  /** The blocks of the loop that an edge back to its head closes. */
  private loop(head: number, tail: number): ReadonlySet<number> {
    const blocks = new Set([head, tail]);
    const work = head === tail ? [] : [tail];
    for (let b = work.pop(); b !== undefined; b = work.pop()) {
      for (const p of this.predecessors.get(b) ?? []) {
        if (blocks.has(p)) continue;
        blocks.add(p);
        work.push(p);
      }
    }
    return blocks;
  }
  private get predecessors(): ReadonlyMap<number, number[]> {
    if (this.knownPredecessors) return this.knownPredecessors;
    const out = new Map<number, number[]>();
    for (const block of this.flow.cfg.blocks) {
      if (this.rank.has(block.id)) for (const e of block.next) out.set(e.to, [...(out.get(e.to) ?? []), block.id]);
    }
    return (this.knownPredecessors = out);
  }

  /** Whether an event that `wanted` accepts can follow before one that `ends` the way. */
  reaches(from: SqeEvent, wanted: (e: SqeEvent) => boolean, ends: (e: SqeEvent) => boolean = () => false, options?: Way): boolean {
    let found = false;
    this.walk(from, (e) => {
      if (found) return 'end';
      if (wanted(e)) found = true;
      return found || ends(e) ? 'end' : undefined;
    }, options);
    return found;
  }
}

/** `rc < 0`, `rc <= 0`, `rc != n`, `rc < n` where they hold, `rc == n`, `rc >= 0`, `rc > 0` where they do not. */
function findsFailure({ test, truth }: NonNullable<Edge['guard']>, isResult: (e: Expr) => boolean): boolean {
  const e = bare(test);
  if (e.kind !== 'binary') return false;
  const turned: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
  const op = isResult(e.left) ? e.op : isResult(e.right) ? turned[e.op] ?? e.op : '';
  return truth ? ['<', '<=', '!='].includes(op) : ['==', '>=', '>'].includes(op);
}
