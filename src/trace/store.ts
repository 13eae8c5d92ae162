/** A recording in memory: spans and calls in columns, an index a track, names, instants, totals. */
import { isFailure } from '../protocol/ops';
import type { InstantColumns, Track } from '../protocol/page';
import {
  API_NAMES, Call, InstantKind, SpanFlag, type ApiName, type Census, type Goodbye, type Hello, type Histograms, type HookState, type Info,
  type LogEntry, type LostCounts, type RefusedInfo, type Threads, type Totals, type TraceMode,
} from '../protocol/wire';
import { CallColumns } from './call-columns';
import { SpanColumns, type SpanRow } from './columns';
import { handleOf, splitHandle } from './handles';
import { Modes } from './modes';
import { Names } from './names';
import { PendingOps } from './pending';
import { SortedIndex } from './sorted-index';
import { TrackIndex } from './track-index';
import type { WireCall, WireInstant, WireSpan } from './rows';

/** One lane group: what {@link Track} is made of. */
export interface StoreTrack { id: number; kind: Track['kind']; api: ApiName; ring: number; pid: number; tid: number; index: TrackIndex }

/** A stream that names more rings than this is damaged or hostile; the rest share one track. */
const MAX_TRACKS = 4096;
/** Log frames are for people; a stream that repeats itself may not fill the memory. */
const MAX_LOGS = 1000;
const MAX_INSTANTS = 1 << 20;
const MAX_REFUSALS = 1000;
const MAX_THREADS = 1 << 14;

export class TraceStore {
  readonly spans = new SpanColumns();
  readonly calls = new CallColumns();
  readonly pending = new PendingOps();
  readonly modes = new Modes();
  readonly histograms: Histograms[] = [];
  /** operations in them */
  counted = 0;
  /** who uses what on the machine, as told last */
  census: Census | undefined;
  /** kernel threads by tid, as told last */
  readonly threads = new Map<number, Threads['threads'][number]>();
  readonly refused: RefusedInfo[] = [];
  readonly tracks: StoreTrack[] = [];
  readonly names = new Names();
  readonly logs: LogEntry[] = [];
  hello: Hello | undefined;
  totals: Totals | undefined;
  goodbye: Goodbye | undefined;
  /** end of what is recorded, ns */
  end = 0;

  private readonly trackByKey = new Map<string, StoreTrack>();
  private lastTrack: StoreTrack | undefined;
  private lastThread: StoreTrack | undefined;
  private readonly instants: WireInstant[] = [];
  private readonly instantOrder = new SortedIndex((i) => this.instants[i]!.time);
  private instantsMerged = 0;
  private readonly row: SpanRow = {
    track: 0, op: 0, flags: 0, start: 0, duration: 0, reap: -1, submit: -1, tid: 0, slot: 0, fd: 0, length: 0, result: 0,
    offsetLo: 0, offsetHi: 0, userLo: 0, userHi: 0, parted: -1, chain: 0, stack: 0,
  };
  /** handles of what failed, was punted against expectation, blocked its submitter or is unfinished */
  private readonly problems = new SortedIndex((handle) => this.startOf(handle));
  private newProblems: number[] = [];

  addSpan(span: WireSpan): void {
    const track = this.trackOf(span);
    const row = this.row;
    row.track = track.id;
    row.op = span.op;
    row.flags = span.flags;
    row.start = span.start;
    row.duration = span.duration;
    row.reap = span.reap;
    row.submit = span.submit;
    row.tid = span.tid;
    row.slot = span.slot;
    row.fd = span.fd;
    row.length = span.length;
    row.result = span.result;
    row.offsetLo = span.offsetLo;
    row.offsetHi = span.offsetHi;
    row.userLo = span.userLo;
    row.userHi = span.userHi;
    row.parted = span.parted;
    row.chain = span.chain;
    row.stack = span.stack;
    const index = this.spans.append(row);
    track.index.append(index);
    if (isFailure(span.op, span.result) || isFlaggedProblem(span.flags)) this.newProblems.push(index);
    this.pending.ended(span);
    this.reach(span.start + span.duration);
  }

  addCall(call: WireCall): void {
    const track = this.threadOf(call);
    const index = this.calls.append(call, track.id);
    track.index.append(index);
    // a submission that does not wait is what the API is for
    const blockedSubmit = call.call === Call.io_submit && call.blocked * 2 >= call.duration && call.blocked > 0;
    if (this.calls.failed(index) || blockedSubmit) this.newProblems.push(handleOf('call', index));
    this.reach(call.start + call.duration);
  }

  addPending(span: WireSpan): void {
    const track = this.trackOf(span);
    const row = this.pending.add(span, track.id);
    if (row < 0) return;
    track.index.reserveRow(span.slot);
    this.newProblems.push(handleOf('pending', row));
    this.reach(span.start + span.duration);
  }

  addInfo(info: Info): void {
    if (info.kind !== 'refused') return this.names.add(info);
    if (this.refused.length < MAX_REFUSALS) this.refused.push(info);
  }
  addHistograms(histograms: Histograms): void {
    this.histograms.push(histograms);
    for (const op of histograms.ops) this.counted += op.count;
    this.reach(histograms.t);
  }
  addThreads({ t, threads }: Threads): void {
    for (const thread of threads) if (this.threads.size < MAX_THREADS || this.threads.has(thread.tid)) this.threads.set(thread.tid, thread);
    this.reach(t);
  }

  /** Where a handle's row begins. */
  startOf(handle: number): number {
    const { kind, row } = splitHandle(handle);
    return kind === 'span' ? this.spans.start(row) : kind === 'call' ? this.calls.start(row) : this.pending.all[row]!.start;
  }
  durationOf(handle: number): number {
    const { kind, row } = splitHandle(handle);
    return kind === 'span' ? this.spans.duration(row) : kind === 'call' ? this.calls.duration(row) : Math.max(0, this.end - this.pending.all[row]!.start);
  }
  has(handle: number): boolean {
    if (!Number.isInteger(handle) || handle < 0) return false;
    const { kind, row } = splitHandle(handle);
    return row < (kind === 'span' ? this.spans.length : kind === 'call' ? this.calls.length : this.pending.all.length);
  }

  private trackOf(span: WireSpan): StoreTrack {
    const last = this.lastTrack;
    if (last && last.pid === span.pid && last.ring === span.ring && API_NAMES[span.api] === last.api) return last;
    const api = API_NAMES[span.api]!;
    return (this.lastTrack = this.track(`${span.pid} ${span.api} ${span.ring}`, { kind: 'ops', api, ring: span.ring, pid: span.pid, tid: 0 }));
  }
  private threadOf({ pid, tid }: WireCall): StoreTrack {
    const last = this.lastThread;
    if (last && last.pid === pid && last.tid === tid) return last;
    return (this.lastThread = this.track(`${pid} thread ${tid}`, { kind: 'calls', api: 'sync', ring: 0, pid, tid }));
  }
  private track(key: string, made: Omit<StoreTrack, 'id' | 'index'>): StoreTrack {
    let track = this.trackByKey.get(key);
    // beyond the limit the last one of its kind takes the rest
    if (!track && this.tracks.length >= MAX_TRACKS) track = this.tracks.findLast((t) => t.kind === made.kind);
    if (!track) {
      const id = this.tracks.length;
      track = { id, ...made, index: new TrackIndex(id, made.kind === 'calls' ? this.calls : this.spans) };
      this.tracks.push(track);
      this.trackByKey.set(key, track);
    }
    return track;
  }

  addInstant(instant: WireInstant): void {
    if (this.instants.length < MAX_INSTANTS) this.instants.push(instant);
    if (instant.kind === InstantKind.Mode) this.modes.change(instant.time, instant.value);
    this.reach(instant.time);
  }
  addLog(entry: LogEntry): void {
    if (this.logs.length < MAX_LOGS) this.logs.push(entry);
  }
  addTotals(totals: Totals): void {
    this.totals = totals;
    this.reach(totals.t);
  }
  addGoodbye(goodbye: Goodbye): void {
    this.goodbye = goodbye;
    this.addTotals(goodbye.totals);
    this.reach(goodbye.t);
  }
  private reach(time: number): void {
    if (time > this.end) this.end = time;
  }

  get lost(): LostCounts {
    return this.totals?.lost ?? { kernel: 0, stream: 0, unpaired: 0 };
  }
  /** How it was recorded, stretch by stretch. */
  modeStretches(): ReturnType<Modes['stretches']> {
    return this.modes.stretches(this.hello?.mode ?? 'spans', this.totals?.every, this.end);
  }
  /** Whether what ended at `time` is counted by histograms, a row of it being one of a sample. */
  isCounted(time: number): boolean {
    return this.modes.isCounted(this.hello?.mode ?? 'spans', time);
  }
  /** Now, or at the end. */
  get mode(): TraceMode {
    return this.totals?.mode ?? this.hello?.mode ?? 'spans';
  }
  /** One operation in so many has a span now: 1 all, 0 none. */
  get every(): number {
    return this.mode === 'spans' ? 1 : this.mode === 'aggregate' ? 0 : (this.totals?.every ?? this.modeStretches().at(-1)?.every ?? 0);
  }
  get hooks(): HookState[] {
    return this.hello?.hooks ?? [];
  }

  /** Instants in [t0, t1), by time. */
  instantsIn(t0: number, t1: number): InstantColumns {
    if (this.instantsMerged < this.instants.length) {
      this.instantOrder.add(Uint32Array.from({ length: this.instants.length - this.instantsMerged }, (_, i) => this.instantsMerged + i));
      this.instantsMerged = this.instants.length;
    }
    const found = this.instantOrder.order.subarray(this.instantOrder.lower(t0), this.instantOrder.lower(t1));
    const rows = Array.from(found, (i) => this.instants[i]!);
    return {
      kind: Uint8Array.from(rows, (r) => r.kind), time: Float64Array.from(rows, (r) => r.time),
      ring: Uint32Array.from(rows, (r) => r.ring), value: Float64Array.from(rows, (r) => r.value),
    };
  }
  /** How many instants of a kind there were. */
  countInstants(kind: (typeof InstantKind)[keyof typeof InstantKind]): number {
    return this.instants.reduce((n, instant) => (instant.kind === kind ? n + 1 : n), 0);
  }

  /** The problem that starts after (before) the row of handle `from`; from -1 finds the first (last). */
  nextProblem(from: number, direction: 1 | -1): number | undefined {
    if (this.newProblems.length > 0) {
      this.problems.add(Uint32Array.from(this.newProblems));
      this.newProblems = [];
    }
    const { order, length } = this.problems;
    if (length === 0) return undefined;
    let next = this.has(from) ? this.besideProblem(from, direction) : direction > 0 ? 0 : length - 1;
    // what was pending has a span of its own by now
    while (next >= 0 && next < length && this.isOver(order[next]!)) next += direction;
    return next >= 0 && next < length ? order[next] : undefined;
  }
  /** Rank of the neighbour of `from`, which may be none itself. */
  private besideProblem(from: number, direction: 1 | -1): number {
    const start = this.startOf(from);
    const base = this.problems.lower(start);
    // several may share a start: among them the place in the list decides
    const ties = this.problems.order.subarray(base, this.problems.upper(start));
    const place = ties.indexOf(from);
    if (direction > 0) return base + (place >= 0 ? place + 1 : ties.length);
    return base + (place >= 0 ? place - 1 : -1);
  }
  private isOver(handle: number): boolean {
    const { kind, row } = splitHandle(handle);
    return kind === 'pending' && this.pending.all[row]!.state !== 'open';
  }

  /** Tracks as the page shows them: by process, operations before calls, then ring or thread. */
  describeTracks(): Track[] {
    return this.tracks
      .map(({ id, kind, api, ring, pid, tid, index }): Track => ({
        id, kind, api, ring, pid, tid, comm: this.names.comm(pid), label: kind === 'calls' ? this.threadLabel(pid, tid) : this.trackLabel(api, ring),
        depth: index.rows, spans: index.count,
      }))
      .sort((a, b) => a.pid - b.pid || a.kind.localeCompare(b.kind) * -1 || API_NAMES.indexOf(a.api) - API_NAMES.indexOf(b.api) || a.ring - b.ring || a.tid - b.tid);
  }

  private threadLabel(pid: number, tid: number): string {
    if (pid === tid) return 'system calls · main thread';
    const name = this.names.thread(tid);
    return `system calls · ${name && name !== this.names.comm(pid) ? `${name} ` : 'thread '}${tid}`;
  }

  private trackLabel(api: ApiName, ring: number): string {
    const info = this.names.ring(ring);
    const known = info && info.api === api ? info : undefined;
    if (api === 'io_uring') return known && known.fd >= 0 ? `io_uring · fd ${known.fd}` : `io_uring · ring ${ring}`;
    if (api === 'libaio') return known && known.sq > 0 ? `libaio · context ${ring} (${known.sq})` : `libaio · context ${ring}`;
    if (api === 'posix-aio') return 'posix-aio · by threads of the C library';
    return api;
  }
}

export function isFlaggedProblem(flags: number): boolean {
  const unexpectedPunt = (flags & SpanFlag.Punted) !== 0 && (flags & SpanFlag.PuntExpected) === 0;
  return unexpectedPunt || (flags & (SpanFlag.Unfinished | SpanFlag.Overflow | SpanFlag.Rejected)) !== 0;
}
