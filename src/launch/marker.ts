/** Finding our own words in a stream that others write to as well. */

/**
 * Holds a stream back until `marker` was seen: login shells and `.bashrc` files print whatever they like before a
 * remote command speaks. `feed` returns what comes after the marker (an empty buffer before it was seen).
 */
export class AfterMarker {
  #held: Buffer = Buffer.alloc(0);
  seen = false;

  /** @param keep whether the marker itself is part of what follows (the magic bytes of a recording are) */
  constructor(private readonly marker: Uint8Array, private readonly keep = false) {}

  feed(chunk: Buffer): Buffer {
    if (this.seen) return chunk;
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(this.marker);
    if (at < 0) {
      // what a marker cut in two needs, and enough for a message
      if (this.#held.length > 8192 + this.marker.length) this.#held = this.#held.subarray(-8192);
      return Buffer.alloc(0);
    }
    this.seen = true;
    const rest = this.#held.subarray(this.keep ? at : at + this.marker.length);
    this.#held = this.#held.subarray(0, at);
    return rest;
  }

  /** What came before the marker, its last 8 KB: words for an error message. */
  get before(): Buffer {
    return this.#held;
  }
}

/**
 * Takes every occurrence of a prompt out of a stream and calls `onPrompt` for each. sudo writes its prompt without a
 * line end, so the prompt is our own marker text.
 */
export class PromptFilter {
  #held = '';

  constructor(private readonly prompt: string, private readonly onPrompt: () => void) {}

  /** Returns the text that belongs to others. */
  feed(text: string): string {
    let rest = this.#held + text;
    let out = '';
    for (let at = rest.indexOf(this.prompt); at >= 0; at = rest.indexOf(this.prompt)) {
      out += rest.slice(0, at);
      rest = rest.slice(at + this.prompt.length);
      this.onPrompt();
    }
    // keep back the longest tail that may be the start of a prompt
    let tail = Math.min(this.prompt.length - 1, rest.length);
    while (tail > 0 && !this.prompt.startsWith(rest.slice(-tail))) tail--;
    this.#held = tail > 0 ? rest.slice(-tail) : '';
    return out + (tail > 0 ? rest.slice(0, -tail) : rest);
  }

  /** What is still held back, at the stream's end. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}
