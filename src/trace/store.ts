/** A recording in memory: spans in columns, an index a track, names, instants, totals. */
import { isFailure } from '../protocol/ops';
import type { InstantColumns, Track } from '../protocol/page';
import {
  API_NAMES, InstantKind, SpanFlag, type ApiName, type Goodbye, type Hello, type HookState, type LogEntry, type LostCounts,
  type Totals, type TraceMode,
} from '../protocol/wire';
import { SpanColumns, type SpanRow } from './columns';
import { Names } from './names';
import { SortedIndex } from './sorted-index';
import { TrackIndex } from './track-index';
import type { WireInstant, WireSpan } from './rows';

/** One lane group: what {@link Track} is made of. */
export interface StoreTrack { id: number; api: ApiName; ring: number; pid: number; index: TrackIndex }

/** A stream that names more rings than this is damaged or hostile; the rest share one track. */
const MAX_TRACKS = 4096;
/** Log frames are for people; a stream that repeats itself may not fill the memory. */
const MAX_LOGS = 1000;
const MAX_INSTANTS = 1 << 20;

export class TraceStore {
  readonly spans = new SpanColumns();
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
  private readonly instants: WireInstant[] = [];
  private readonly instantOrder = new SortedIndex((i) => this.instants[i]!.time);
  private instantsMerged = 0;
  private readonly row: SpanRow = {
    track: 0, op: 0, flags: 0, start: 0, duration: 0, reap: -1, submit: -1, tid: 0, slot: 0, fd: 0, length: 0, result: 0,
    offsetLo: 0, offsetHi: 0, userLo: 0, userHi: 0, parted: -1, chain: 0, stack: 0,
  };
  /** failed, punted against expectation or unfinished, in the order they arrived */
  private readonly problems = new SortedIndex((i) => this.spans.start(i));
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
    this.reach(span.start + span.duration);
  }

  private trackOf(span: WireSpan): StoreTrack {
    const last = this.lastTrack;
    if (last && last.pid === span.pid && last.ring === span.ring && API_NAMES[span.api] === last.api) return last;
    const key = `${span.pid} ${span.api} ${span.ring}`;
    let track = this.trackByKey.get(key);
    if (!track) {
      if (this.tracks.length >= MAX_TRACKS) track = this.tracks[MAX_TRACKS - 1]!;
      else {
        const id = this.tracks.length;
        track = { id, api: API_NAMES[span.api]!, ring: span.ring, pid: span.pid, index: new TrackIndex(id, this.spans) };
        this.tracks.push(track);
        this.trackByKey.set(key, track);
      }
    }
    return (this.lastTrack = track);
  }

  addInstant(instant: WireInstant): void {
    if (this.instants.length < MAX_INSTANTS) this.instants.push(instant);
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
  get mode(): TraceMode {
    return this.totals?.mode ?? this.hello?.mode ?? 'spans';
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

  /** The problem that starts after (before) span `from`; from -1 finds the first (last). */
  nextProblem(from: number, direction: 1 | -1): number | undefined {
    if (this.newProblems.length > 0) {
      this.problems.add(Uint32Array.from(this.newProblems));
      this.newProblems = [];
    }
    const { order, length } = this.problems;
    if (length === 0) return undefined;
    if (from < 0 || from >= this.spans.length) return direction > 0 ? order[0] : order[length - 1];
    const start = this.spans.start(from);
    // several spans may share a start: among them the place in the list decides
    const ties = order.subarray(this.problems.lower(start), this.problems.upper(start));
    const place = ties.indexOf(from);
    const base = this.problems.lower(start);
    const next = direction > 0
      ? base + (place >= 0 ? place + 1 : ties.length)
      : base + (place >= 0 ? place - 1 : -1);
    return next >= 0 && next < length ? order[next] : undefined;
  }

  /** Tracks as the page shows them: by process, then ring. */
  describeTracks(): Track[] {
    return this.tracks
      .map(({ id, api, ring, pid, index }) => ({
        id, api, ring, pid, comm: this.names.comm(pid), label: this.trackLabel(api, ring), depth: index.rows, spans: index.count,
      }))
      .sort((a, b) => a.pid - b.pid || API_NAMES.indexOf(a.api) - API_NAMES.indexOf(b.api) || a.ring - b.ring);
  }

  private trackLabel(api: ApiName, ring: number): string {
    const info = this.names.ring(ring);
    const known = info && info.api === api ? info : undefined;
    if (api === 'io_uring') return known && known.fd >= 0 ? `io_uring · fd ${known.fd}` : `io_uring · ring ${ring}`;
    if (api === 'libaio') return known && known.sq > 0 ? `libaio · context ${ring} (${known.sq})` : `libaio · context ${ring}`;
    return api;
  }
}

export function isFlaggedProblem(flags: number): boolean {
  const unexpectedPunt = (flags & SpanFlag.Punted) !== 0 && (flags & SpanFlag.PuntExpected) === 0;
  return unexpectedPunt || (flags & (SpanFlag.Unfinished | SpanFlag.Overflow | SpanFlag.Rejected)) !== 0;
}
