/** Notices a recording's last frame, by the frames' lengths alone; whoever decodes the stream checks it. */
import { FRAME_HEADER_BYTES, FrameType, MAGIC } from '../protocol/wire';

export class GoodbyeWatch {
  /** bytes to pass over before the next header */
  #skip = MAGIC.length;
  #header = Buffer.alloc(0);
  #last = false;

  /** The next bytes, from the magic on. @returns whether the last frame is complete */
  feed(chunk: Buffer): boolean {
    let at = 0;
    for (;;) {
      const passed = Math.min(this.#skip, chunk.length - at);
      this.#skip -= passed;
      at += passed;
      if (this.#skip > 0) return false;
      if (this.#last) return true;
      if (at === chunk.length) return false;
      const part = chunk.subarray(at, at + FRAME_HEADER_BYTES - this.#header.length);
      at += part.length;
      this.#header = Buffer.concat([this.#header, part]);
      if (this.#header.length < FRAME_HEADER_BYTES) return false;
      this.#skip = this.#header.readUInt32LE(0);
      this.#last = this.#header[4] === FrameType.Goodbye;
      this.#header = Buffer.alloc(0);
    }
  }
}
