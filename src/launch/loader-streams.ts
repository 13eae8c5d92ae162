/** The loader's two streams as they come through sudo, ssh and login shells. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import type { LaunchFailure } from '../protocol/launch';
import { MAGIC } from '../protocol/wire';
import { StreamReader } from '../trace';
import { end } from './child';
import { tidy } from './failure';
import { AfterMarker, PromptFilter } from './marker';
import type { LaunchOptions } from './options';
import type { Place } from './place';
import type { Rights } from './rights';

/** Noise that may come before a recording's magic. */
const MAX_NOISE_BYTES = 64 * 1024;
/** The whole stream of a loader that refuses is far smaller. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** Codes of the loader's refusals that are ours as well. */
const REFUSALS = ['no-privilege', 'no-btf', 'cannot-trace', 'bad-target', 'target-gone'] as const;

/** The loader's stderr: sudo's prompt is answered, the rest handed on, the tail kept for a message. */
export class Words {
  readonly #decoder = new StringDecoder('utf8');
  readonly #marker: AfterMarker | undefined;
  readonly #prompt: PromptFilter | undefined;
  tail = '';
  /** sudo asked a second time for a password that it has just taken */
  refused = false;

  constructor(place: Place, rights: Rights, private readonly options: LaunchOptions, child: ChildProcessWithoutNullStreams, args: Buffer) {
    const { prompt, password } = rights;
    this.#marker = place.stderrMarker === undefined ? undefined : new AfterMarker(Buffer.from(place.stderrMarker));
    let answered = false;
    if (prompt !== undefined && password !== undefined) {
      this.#prompt = new PromptFilter(prompt, () => {
        if (!answered) child.stdin.write(Buffer.concat([Buffer.from(`${password}\n`), args]));
        else {
          // whatever followed would be read as another guess
          this.refused = true;
          void end(child, 0);
        }
        answered = true;
      });
    }
    child.stderr.on('data', (chunk: Buffer) => this.#take(this.#decoder.write(this.#marker ? this.#marker.feed(chunk) : chunk)));
  }

  #take(text: string): void {
    this.#hand(this.#prompt ? this.#prompt.feed(text) : text);
  }

  #hand(text: string): void {
    if (text === '') return;
    this.tail = (this.tail + text).slice(-8192);
    this.options.onOutput(text);
  }

  flush(): void {
    this.#take(this.#decoder.end());
    this.#hand(this.#prompt?.flush() ?? '');
    // nothing of our own came: what the shell said may be why
    if (this.#marker && !this.#marker.seen) this.tail = this.#marker.before.toString('utf8');
  }
}

/** The loader's stdout: noise is passed over, the recording handed on, its head kept for what a refusal says. */
export class Stdout {
  readonly #magic = new AfterMarker(MAGIC, true);
  #noise = 0;
  #head: Buffer[] = [];
  #size = 0;

  constructor(child: ChildProcessWithoutNullStreams, options: LaunchOptions) {
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.began) this.#noise += chunk.length;
      const bytes = this.#magic.feed(chunk);
      if (this.tooNoisy) void end(child, 0);
      if (bytes.length === 0) return;
      this.#size += bytes.length;
      if (this.#size <= MAX_REFUSAL_BYTES) this.#head.push(bytes);
      else this.#head = [];
      options.onStdout(bytes);
    });
  }

  get began(): boolean {
    return this.#magic.seen;
  }
  get tooNoisy(): boolean {
    return !this.began && this.#noise > MAX_NOISE_BYTES;
  }

  /** The error that a loader which could not trace put into its stream, with its remedy. */
  refusal(): LaunchFailure | undefined {
    const reader = new StreamReader();
    for (const bytes of this.#head) reader.push(bytes);
    const entry = reader.store.logs.findLast((log) => log.level === 'error');
    if (!entry) return undefined;
    const code = REFUSALS.find((known) => known === entry.code) ?? 'cannot-trace';
    return { code, message: tidy(entry.message), hint: tidy(entry.hint ?? 'Run “ringlight doctor” to see what is missing.') };
  }

  noRecording(place: Place): LaunchFailure {
    return {
      code: 'bad-stream', message: `What came from ${place.name} is not a recording.`,
      hint: 'Check that the login shell there runs commands and prints nothing endless.', detail: tidy(this.#magic.before.toString('utf8')),
    };
  }
}
