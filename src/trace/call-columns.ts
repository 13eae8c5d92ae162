/** All system calls of a recording, as columns, in the order they returned. Chunked as spans are; 82 bytes a call. */
import { isFailedCall } from '../protocol/ops';
import { FIRST_CALL } from './handles';
import type { WireCall } from './rows';
import type { TimeRows } from './time-rows';

const CHUNK_BITS = 13;
const CHUNK = 1 << CHUNK_BITS;
const MASK = CHUNK - 1;

class Chunk {
  readonly start = new Float64Array(CHUNK);
  readonly duration = new Float64Array(CHUNK);
  readonly asleep = new Float64Array(CHUNK);
  readonly blocked = new Float64Array(CHUNK);
  readonly length = new Float64Array(CHUNK);
  readonly offset = new Uint32Array(2 * CHUNK);
  readonly result = new Int32Array(CHUNK);
  readonly ring = new Uint32Array(CHUNK);
  readonly fd = new Int32Array(CHUNK);
  readonly stack = new Uint32Array(CHUNK);
  readonly track = new Uint32Array(CHUNK);
  readonly api = new Uint8Array(CHUNK);
  readonly call = new Uint8Array(CHUNK);
}

export class CallColumns implements TimeRows {
  readonly firstHandle = FIRST_CALL;
  length = 0;
  private readonly chunks: Chunk[] = [];

  /** Its index. */
  append(call: WireCall, track: number): number {
    const index = this.length++;
    const i = index & MASK;
    if (i === 0) this.chunks.push(new Chunk());
    const c = this.chunks[index >>> CHUNK_BITS]!;
    c.start[i] = call.start;
    c.duration[i] = call.duration;
    c.asleep[i] = call.asleep;
    c.blocked[i] = call.blocked;
    c.length[i] = call.length;
    c.offset[2 * i] = call.offsetLo;
    c.offset[2 * i + 1] = call.offsetHi;
    c.result[i] = call.result;
    c.ring[i] = call.ring;
    c.fd[i] = call.fd;
    c.stack[i] = call.stack;
    c.track[i] = track;
    c.api[i] = call.api;
    c.call[i] = call.call;
    return index;
  }

  private chunk(index: number): Chunk {
    return this.chunks[index >>> CHUNK_BITS]!;
  }
  start(index: number): number { return this.chunk(index).start[index & MASK]!; }
  duration(index: number): number { return this.chunk(index).duration[index & MASK]!; }
  asleep(index: number): number { return this.chunk(index).asleep[index & MASK]!; }
  blocked(index: number): number { return this.chunk(index).blocked[index & MASK]!; }
  askedFor(index: number): number { return this.chunk(index).length[index & MASK]!; }
  result(index: number): number { return this.chunk(index).result[index & MASK]!; }
  ring(index: number): number { return this.chunk(index).ring[index & MASK]!; }
  fd(index: number): number { return this.chunk(index).fd[index & MASK]!; }
  stack(index: number): number { return this.chunk(index).stack[index & MASK]!; }
  track(index: number): number { return this.chunk(index).track[index & MASK]!; }
  /** number of the API */
  api(index: number): number { return this.chunk(index).api[index & MASK]!; }
  /** number of the system call */
  op(index: number): number { return this.chunk(index).call[index & MASK]!; }
  offset(index: number): [number, number] {
    const c = this.chunk(index).offset;
    const i = 2 * (index & MASK);
    return [c[i]!, c[i + 1]!];
  }
  end(index: number): number { return this.start(index) + Math.max(1, this.duration(index)); }
  failed(index: number): boolean { return isFailedCall(this.result(index)); }
  // a thread is in one call at a time
  slot(): number { return 0; }
  flags(): number { return 0; }
  parted(): number { return -1; }
}
