/** What is counted of each operation kind; fed span by span, so that a growing recording is never counted twice. */
import { isFailure, opClass, opName } from '../protocol/ops';
import { API_NAMES, SpanFlag, type ApiName } from '../protocol/wire';
import { Histogram } from './histogram';
import type { TraceStore } from './store';

export interface OpStats {
  api: ApiName;
  op: number;
  name: string;
  count: number;
  errors: number;
  bytes: number;
  punted: number;
  /** punted though neither the program asked for it nor the opcode always does it */
  puntedUnexpectedly: number;
  overflowed: number;
  unfinished: number;
  latency: Histogram;
  /** latency of the unexpectedly punted */
  puntedLatency: Histogram;
  /** count by errno (positive) */
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
export interface MisalignedFile { pid: number; path: string; count: number; /** of these, offset or length is no multiple of 512 */ proven: number; example: string }

export class Stats {
  readonly ops = new Map<number, OpStats>();
  readonly processes = new Map<number, number>();
  readonly buffered = new Map<string, BufferedFile>();
  readonly misaligned = new Map<string, MisalignedFile>();
  count = 0;

  constructor(private readonly store: TraceStore) {}

  add(index: number): void {
    const { spans, tracks } = this.store;
    const track = tracks[spans.track(index)]!;
    const stats = this.of(track.api, spans.op(index));
    const flags = spans.flags(index);
    const result = spans.result(index);
    const duration = spans.duration(index);
    this.count++;
    stats.count++;
    this.processes.set(track.pid, (this.processes.get(track.pid) ?? 0) + 1);
    if (flags & SpanFlag.Unfinished) stats.unfinished++;
    else stats.latency.add(duration);
    if (isFailure(stats.op, result)) {
      stats.errors++;
      stats.byErrno.set(-result, (stats.byErrno.get(-result) ?? 0) + 1);
    } else if (result > 0 && movesData(track.api, stats.op)) stats.bytes += result;
    if (flags & SpanFlag.Overflow) stats.overflowed++;
    if (flags & SpanFlag.Punted) {
      stats.punted++;
      if (!(flags & SpanFlag.PuntExpected)) {
        stats.puntedUnexpectedly++;
        stats.puntedLatency.add(duration);
      }
    }
    if (!movesData(track.api, stats.op)) return;
    if (track.api === 'libaio' && !(flags & (SpanFlag.Direct | SpanFlag.Rejected | SpanFlag.Unfinished))) this.addBuffered(index, track.pid);
    if (result === -22 && flags & SpanFlag.Direct) this.addMisaligned(index, track.pid);
  }

  private of(api: ApiName, op: number): OpStats {
    const key = API_NAMES.indexOf(api) * 256 + op;
    let stats = this.ops.get(key);
    if (!stats) {
      stats = {
        api, op, name: opName(api, op), count: 0, errors: 0, bytes: 0, punted: 0, puntedUnexpectedly: 0, overflowed: 0, unfinished: 0,
        latency: new Histogram(), puntedLatency: new Histogram(), byErrno: new Map(),
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
    const path = names.file(pid, spans.fd(index), spans.start(index))?.path ?? `fd ${spans.fd(index)}`;
    const key = `${pid} ${path}`;
    let entry = this.misaligned.get(key);
    if (!entry) this.misaligned.set(key, (entry = { pid, path, count: 0, proven: 0, example: '' }));
    entry.count++;
    const [lo, hi] = spans.offset(index);
    const length = spans.bytesAsked(index);
    if (lo % 512 === 0 && length % 512 === 0) return;
    entry.proven++;
    entry.example ||= `offset ${(hi * 4294967296 + lo)}, length ${length}`;
  }
}

function movesData(api: ApiName, op: number): boolean {
  const kind = opClass(api, op);
  return kind === 'read' || kind === 'write';
}
