import { isFailure } from '../protocol/ops';
import type { TimeRows } from './time-rows';

/**
 * All spans of a recording, as columns, in the order they arrived. Chunked so that growing never copies and never
 * holds twice the memory: 83 bytes a span, and about 17 more in the track's index (track-index.ts).
 */
const CHUNK_BITS = 14;
const CHUNK = 1 << CHUNK_BITS;
const MASK = CHUNK - 1;

/** One span while it is written or read; the fields of `SPAN_FIELDS` and the track instead of pid, api and ring. */
export interface SpanRow {
  track: number; op: number; flags: number;
  start: number; duration: number;
  /** ns, -1 unknown; kept with 24 bits of precision */ reap: number; submit: number;
  tid: number; slot: number; fd: number; length: number; result: number;
  offsetLo: number; offsetHi: number; userLo: number; userHi: number;
  /** ns, -1 neither punted nor polled; likewise */ parted: number;
  /** 0 none */ chain: number; stack: number;
}

class Chunk {
  readonly start = new Float64Array(CHUNK);
  readonly duration = new Float64Array(CHUNK);
  readonly reap = new Float32Array(CHUNK);
  readonly submit = new Float32Array(CHUNK);
  readonly length = new Float64Array(CHUNK);
  readonly result = new Int32Array(CHUNK);
  readonly tid = new Int32Array(CHUNK);
  readonly fd = new Int32Array(CHUNK);
  readonly flags = new Uint32Array(CHUNK);
  readonly offset = new Uint32Array(2 * CHUNK);
  readonly user = new Uint32Array(2 * CHUNK);
  readonly parted = new Float32Array(CHUNK);
  readonly chain = new Uint32Array(CHUNK);
  readonly stack = new Uint32Array(CHUNK);
  readonly track = new Uint32Array(CHUNK);
  readonly slot = new Uint16Array(CHUNK);
  readonly op = new Uint8Array(CHUNK);
}

export class SpanColumns implements TimeRows {
  readonly firstHandle = 0;
  length = 0;
  private readonly chunks: Chunk[] = [];

  /** Its index: the span's handle for as long as the recording is open. */
  append(row: SpanRow): number {
    const index = this.length++;
    const i = index & MASK;
    if (i === 0) this.chunks.push(new Chunk());
    const c = this.chunks[index >>> CHUNK_BITS]!;
    c.start[i] = row.start;
    c.duration[i] = row.duration;
    c.reap[i] = row.reap;
    c.submit[i] = row.submit;
    c.length[i] = row.length;
    c.result[i] = row.result;
    c.tid[i] = row.tid;
    c.fd[i] = row.fd;
    c.flags[i] = row.flags;
    c.offset[2 * i] = row.offsetLo;
    c.offset[2 * i + 1] = row.offsetHi;
    c.user[2 * i] = row.userLo;
    c.user[2 * i + 1] = row.userHi;
    c.parted[i] = row.parted;
    c.chain[i] = row.chain;
    c.stack[i] = row.stack;
    c.track[i] = row.track;
    c.slot[i] = row.slot;
    c.op[i] = row.op;
    return index;
  }

  private chunk(index: number): Chunk {
    return this.chunks[index >>> CHUNK_BITS]!;
  }
  start(index: number): number { return this.chunk(index).start[index & MASK]!; }
  duration(index: number): number { return this.chunk(index).duration[index & MASK]!; }
  reap(index: number): number { return this.chunk(index).reap[index & MASK]!; }
  submit(index: number): number { return this.chunk(index).submit[index & MASK]!; }
  bytesAsked(index: number): number { return this.chunk(index).length[index & MASK]!; }
  result(index: number): number { return this.chunk(index).result[index & MASK]!; }
  tid(index: number): number { return this.chunk(index).tid[index & MASK]!; }
  fd(index: number): number { return this.chunk(index).fd[index & MASK]!; }
  flags(index: number): number { return this.chunk(index).flags[index & MASK]!; }
  parted(index: number): number { return this.chunk(index).parted[index & MASK]!; }
  chain(index: number): number { return this.chunk(index).chain[index & MASK]!; }
  stack(index: number): number { return this.chunk(index).stack[index & MASK]!; }
  track(index: number): number { return this.chunk(index).track[index & MASK]!; }
  slot(index: number): number { return this.chunk(index).slot[index & MASK]!; }
  op(index: number): number { return this.chunk(index).op[index & MASK]!; }
  /** Low and high half of the 64-bit file offset, two's complement. */
  offset(index: number): [number, number] {
    const c = this.chunk(index).offset;
    const i = 2 * (index & MASK);
    return [c[i]!, c[i + 1]!];
  }
  userData(index: number): [number, number] {
    const c = this.chunk(index).user;
    const i = 2 * (index & MASK);
    return [c[i]!, c[i + 1]!];
  }
  failed(index: number): boolean {
    const c = this.chunk(index);
    const i = index & MASK;
    return isFailure(c.op[i]!, c.result[i]!);
  }
  /** Half-open in time: an operation that took no measurable time still occupies 1 ns. */
  end(index: number): number {
    const c = this.chunk(index);
    const i = index & MASK;
    return c.start[i]! + Math.max(1, c.duration[i]!);
  }
}
