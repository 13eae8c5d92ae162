/** What is counted of each operation kind; fed row by row, so that a growing recording is never counted twice. */
import { isCancelled, isFailure, isTimedOut, opClass, opName } from '../protocol/ops';
import type { OpWays } from '../protocol/summary';
import { API_NAMES, SpanFlag, type ApiName, type Histograms } from '../protocol/wire';
import { CallStats } from './call-stats';
import { Histogram } from './histogram';
import type { TraceStore } from './store';

export interface OpStats {
  api: ApiName;
  op: number;
  name: string;
  /** these five are exact: spans, or histograms where those are a sample */
  count: number;
  errors: number;
  bytes: number;
  punted: number;
  latency: Histogram;
  /** the rest is of the recorded spans */
  ways: OpWays;
  /** failed spans */
  failed: number;
  /** punted though neither the program asked for it nor the opcode always does it */
  puntedUnexpectedly: number;
  overflowed: number;
  unfinished: number;
  /** writes that moved less than asked for */
  short: number;
  /** latency of the unexpectedly punted */
  puntedLatency: Histogram;
  /** failed spans by errno (positive) */
  byErrno: Map<number, number>;
}

/** libaio operations on one file that is not open with O_DIRECT. */
export interface BufferedFile {
  pid: number; path: string;
  count: number;
  /** of these, finished before io_submit returned */
  insideSubmit: number;
  /** longest io_submit among those, ns */
  worstSubmit: number;
}
/** EINVAL on files open with O_DIRECT. */
export interface MisalignedFile {
  pid: number; path: string; count: number;
  /** logical block size of the device in bytes, 0 unknown */
  block: number;
  /** of these, offset or length is no multiple of the block size, or of 512 where that is unknown */
  proven: number;
  example: string;
}

export class Stats {
  readonly ops = new Map<number, OpStats>();
  readonly calls: CallStats;
  /** by pid: spans and calls */
  readonly processes = new Map<number, { records: number; calls: number }>();
  /** spans by the tid of the SQPOLL thread that submitted them */
  readonly sqpoll = new Map<number, number>();
  readonly buffered = new Map<string, BufferedFile>();
  readonly misaligned = new Map<string, MisalignedFile>();
  /** spans */
  count = 0;
  private callsTaken = 0;
  private histogramsTaken = 0;

  constructor(private readonly store: TraceStore) {
    this.calls = new CallStats(store);
  }

  /** What has arrived since the last time. */
  catchUp(): void {
    const { spans, calls, histograms } = this.store;
    for (let index = this.count; index < spans.length; index++) this.add(index);
    for (; this.callsTaken < calls.length; this.callsTaken++) this.addCall(this.callsTaken);
    for (; this.histogramsTaken < histograms.length; this.histogramsTaken++) this.addHistograms(histograms[this.histogramsTaken]!);
  }

  add(index: number): void {
    const { spans, tracks } = this.store;
    const track = tracks[spans.track(index)]!;
    const stats = this.of(track.api, spans.op(index));
    const flags = spans.flags(index);
    const result = spans.result(index);
    this.count++;
    this.process(track.pid).records++;
    if (flags & SpanFlag.SqPoll) this.sqpoll.set(spans.tid(index), (this.sqpoll.get(spans.tid(index)) ?? 0) + 1);
    if (flags & SpanFlag.Notification) {
      stats.ways.notifications++;
      return;
    }
    const moves = movesData(track.api, stats.op);
    const failed = isFailure(stats.op, result);
    if (!(flags & SpanFlag.Sampled)) {
      stats.count++;
      if (!(flags & SpanFlag.Unfinished)) stats.latency.add(spans.duration(index));
      if (failed) stats.errors++;
      else if (result > 0 && moves) stats.bytes += result;
      if (flags & SpanFlag.Punted) stats.punted++;
    }
    this.addWays(stats, index, flags, result);
    if (failed) {
      stats.failed++;
      stats.byErrno.set(-result, (stats.byErrno.get(-result) ?? 0) + 1);
    }
    if (flags & SpanFlag.Unfinished) stats.unfinished++;
    if (flags & SpanFlag.Overflow) stats.overflowed++;
    if ((flags & (SpanFlag.Punted | SpanFlag.PuntExpected)) === SpanFlag.Punted) {
      stats.puntedUnexpectedly++;
      stats.puntedLatency.add(spans.duration(index));
    }
    if (!moves) return;
    if (result > 0 && result < spans.bytesAsked(index) && opClass(track.api, stats.op) === 'write') stats.short++;
    if (track.api === 'libaio' && !(flags & (SpanFlag.Direct | SpanFlag.Rejected | SpanFlag.Unfinished))) this.addBuffered(index, track.pid);
    if (result === -22 && flags & SpanFlag.Direct) this.addMisaligned(index, track.pid);
  }

  private addWays({ api, op, ways }: OpStats, index: number, flags: number, result: number): void {
    ways.spans++;
    // the other APIs have no other way
    if (api === 'io_uring' && !(flags & (SpanFlag.Punted | SpanFlag.Polled | SpanFlag.Unfinished | SpanFlag.Rejected))) ways.inline++;
    if (flags & SpanFlag.Polled) ways.polled++;
    if (flags & SpanFlag.Punted) ways.punted++;
    if (flags & SpanFlag.Punted && flags & SpanFlag.PuntExpected) ways.punted_expected++;
    if (flags & SpanFlag.Linked) ways.linked++;
    if (flags & SpanFlag.MultishotMore) ways.multishot++;
    if (isCancelled(result)) ways.cancelled++;
    if (isTimedOut(api, op, result)) ways.timed_out++;
    if (flags & SpanFlag.FixedFile) ways.fixed_file++;
    if (flags & SpanFlag.FixedBuffer) ways.fixed_buffer++;
    if (flags & SpanFlag.SqPoll) ways.sqpoll++;
    if (flags & SpanFlag.Signals) ways.signals++;
    if (flags & SpanFlag.Direct) ways.o_direct++;
  }

  /** Calls of epoll and of synchronous I/O are operations too. */
  addCall(row: number): void {
    const { calls, tracks } = this.store;
    const api = API_NAMES[calls.api(row)]!;
    this.calls.add(row);
    this.process(tracks[calls.track(row)]!.pid).calls++;
    if (api !== 'epoll' && api !== 'sync') return;
    // the histograms count what returned while not everything was recorded
    if (this.store.isCounted(calls.end(row))) return;
    const op = calls.op(row);
    const stats = this.of(api, op);
    const result = calls.result(row);
    stats.count++;
    stats.latency.add(calls.duration(row));
    if (result < 0) {
      stats.errors++;
      stats.failed++;
      stats.byErrno.set(-result, (stats.byErrno.get(-result) ?? 0) + 1);
    } else if (movesData(api, op)) stats.bytes += result;
  }

  addHistograms({ ops }: Histograms): void {
    for (const histogram of ops) {
      if (histogram.op > 255) continue;
      const stats = this.of(histogram.api, histogram.op);
      stats.count += histogram.count;
      stats.errors += histogram.errors;
      // the loader adds up every positive result
      if (movesData(histogram.api, histogram.op)) stats.bytes += histogram.bytes;
      stats.punted += histogram.punted;
      for (const [step, count] of histogram.steps) stats.latency.addStep(step, count, histogram.max_ns);
      stats.latency.reach(histogram.max_ns);
    }
  }

  private process(pid: number): { records: number; calls: number } {
    let counts = this.processes.get(pid);
    if (!counts) this.processes.set(pid, (counts = { records: 0, calls: 0 }));
    return counts;
  }

  private of(api: ApiName, op: number): OpStats {
    const key = API_NAMES.indexOf(api) * 256 + op;
    let stats = this.ops.get(key);
    if (!stats) {
      stats = {
        api, op, name: opName(api, op), count: 0, errors: 0, bytes: 0, punted: 0, latency: new Histogram(), ways: noWays(), failed: 0,
        puntedUnexpectedly: 0, overflowed: 0, unfinished: 0, short: 0, puntedLatency: new Histogram(), byErrno: new Map(),
      };
      this.ops.set(key, stats);
    }
    return stats;
  }

  /** Only where the file's flags are known: unknown means silent. */
  private addBuffered(index: number, pid: number): void {
    const { spans, names } = this.store;
    const file = names.file(pid, spans.fd(index), spans.start(index));
    if (!file || file.direct) return;
    const key = `${pid} ${file.path}`;
    let entry = this.buffered.get(key);
    if (!entry) this.buffered.set(key, (entry = { pid, path: file.path, count: 0, insideSubmit: 0, worstSubmit: 0 }));
    entry.count++;
    const submit = spans.submit(index);
    if (spans.flags(index) & SpanFlag.EndIsReap || submit < 0 || spans.duration(index) > submit) return;
    entry.insideSubmit++;
    entry.worstSubmit = Math.max(entry.worstSubmit, submit);
  }

  private addMisaligned(index: number, pid: number): void {
    const { spans, names } = this.store;
    const file = names.file(pid, spans.fd(index), spans.start(index));
    const path = file?.path ?? `fd ${spans.fd(index)}`;
    const block = file?.block ?? 0;
    const key = `${pid} ${path}`;
    let entry = this.misaligned.get(key);
    if (!entry) this.misaligned.set(key, (entry = { pid, path, count: 0, block, proven: 0, example: '' }));
    entry.count++;
    const [lo, hi] = spans.offset(index);
    const length = spans.bytesAsked(index);
    // block sizes are powers of two: the low half tells
    const unit = block || 512;
    if (lo % unit === 0 && length % unit === 0) return;
    entry.proven++;
    entry.example ||= `offset ${(hi * 4294967296 + lo)}, length ${length}`;
  }
}

function noWays(): OpWays {
  return {
    spans: 0, inline: 0, polled: 0, punted: 0, punted_expected: 0, linked: 0, multishot: 0, cancelled: 0, timed_out: 0,
    fixed_file: 0, fixed_buffer: 0, notifications: 0, sqpoll: 0, signals: 0, o_direct: 0,
  };
}

function movesData(api: ApiName, op: number): boolean {
  const kind = opClass(api, op);
  return kind === 'read' || kind === 'write';
}
