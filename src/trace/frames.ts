/**
 * Splits the stream into frames, in any chunking. Nothing here throws on hostile bytes, and no buffer is larger
 * than what has really arrived plus a constant.
 */
import { FRAME_HEADER_BYTES, MAGIC, MAX_FRAME_PAYLOAD } from '../protocol/wire';
import { crc32 } from './crc32';

/** How far a greeting of a remote shell may push the beginning of the stream. */
export const MAX_PREAMBLE = 64 * 1024;

/** Looks for MAGIC; what came before it is noise worth a log line, never part of the recording. */
export class Preamble {
  /** bytes before MAGIC, or all of them while it was not found */
  noise = new Uint8Array(0);
  state: 'looking' | 'found' | 'wrong-version' | 'not-found' = 'looking';

  /** The stream's bytes from MAGIC on; undefined while it was not seen. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    if (this.state === 'found') return chunk;
    if (this.state !== 'looking') return undefined;
    const all = new Uint8Array(this.noise.length + chunk.length);
    all.set(this.noise);
    all.set(chunk, this.noise.length);
    const from = Math.max(0, this.noise.length - MAGIC.length);
    for (let i = from; i + MAGIC.length <= all.length && i <= MAX_PREAMBLE; i++) {
      const same = sameBytes(all, i);
      if (same < MAGIC.length - 1) continue;
      this.state = same === MAGIC.length ? 'found' : 'wrong-version';
      this.noise = all.slice(0, i);
      return this.state === 'found' ? all.subarray(i) : undefined;
    }
    if (all.length >= MAX_PREAMBLE + MAGIC.length) {
      this.state = 'not-found';
      this.noise = all.slice(0, MAX_PREAMBLE);
    } else this.noise = all;
    return undefined;
  }
}

function sameBytes(all: Uint8Array, at: number): number {
  let n = 0;
  while (n < MAGIC.length && all[at + n] === MAGIC[n]) n++;
  return n;
}

/** The bytes cannot be read on from here. */
export interface Damage { at: number; message: string }

export class FrameDecoder {
  /** offset of the next unread byte, counted from MAGIC */
  offset = 0;
  damage: Damage | undefined;
  /** frames whose number did not follow the one before: the writer skipped some */
  gaps = 0;
  private buffer = new Uint8Array(0);
  private used = 0;
  private expected = 0;

  /** `onFrame` gets a view that is valid during the call only; it returns the reason if the payload is malformed. */
  constructor(private readonly onFrame: (type: number, payload: Uint8Array) => string | undefined) {}

  /** Bytes of the stream, beginning with MAGIC. */
  push(chunk: Uint8Array): void {
    if (this.damage) return;
    if (this.used === 0) {
      const rest = chunk.subarray(this.consume(chunk));
      if (rest.length > 0 && !this.damage) this.keep(rest);
      return;
    }
    this.keep(chunk);
    const done = this.consume(this.buffer.subarray(0, this.used));
    this.buffer.copyWithin(0, done, this.used);
    this.used -= done;
    if (this.used === 0) this.buffer = new Uint8Array(0);
  }

  /** Bytes of a frame that has not arrived completely. */
  get pending(): number {
    return this.used;
  }

  private keep(chunk: Uint8Array): void {
    const needed = this.used + chunk.length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2, 4096));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    this.buffer.set(chunk, this.used);
    this.used = needed;
  }

  /** Decodes all complete frames at the head of `bytes`; how many bytes they were. */
  private consume(bytes: Uint8Array): number {
    let at = 0;
    if (this.offset === 0) {
      if (bytes.length < MAGIC.length) return 0;
      at = MAGIC.length;
      this.offset = at;
    }
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
      const length = view.getUint32(0, true);
      if (length > MAX_FRAME_PAYLOAD) return this.fail(at, `a frame claims ${length} bytes, more than a frame may have`);
      if (bytes[at + 5] !== 0) return this.fail(at, 'a frame has flags that this version does not know');
      const end = at + FRAME_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const crc = crc32(bytes, at + FRAME_HEADER_BYTES, end, crc32(bytes, at, at + 8));
      if (crc !== view.getUint32(8, true)) return this.fail(at, 'the checksum of a frame is wrong');
      const sequence = view.getUint16(6, true);
      if (sequence !== this.expected) this.gaps++;
      this.expected = (sequence + 1) & 0xffff;
      const problem = this.onFrame(bytes[at + 4]!, bytes.subarray(at + FRAME_HEADER_BYTES, end));
      if (problem) return this.fail(at, problem);
      this.offset += end - at;
      at = end;
    }
    return at;
  }

  private fail(at: number, message: string): number {
    this.damage = { at: this.offset, message };
    return at;
  }
}
