/** One run of the loader, from the first connection to its last byte. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import type { LaunchFailure, TraceRequest } from '../protocol/launch';
import { LoaderExit, MAGIC } from '../protocol/wire';
import { end, within } from './child';
import { cancelled, fail, LaunchError, tidy } from './failure';
import { encodeArgs, loaderArgs } from './loader-args';
import { AfterMarker, PromptFilter } from './marker';
import type { LaunchOptions } from './options';
import { openLocal, type Place } from './place';
import { gainRights, type Rights } from './rights';
import { openSsh } from './ssh';

export interface LoaderEnd {
  /** the loader's exit status; null when it never ran or a signal ended it */
  code: number | null;
  signal: string | null;
  failure?: LaunchFailure;
}

export interface LoaderSession {
  /** Ends the recording in order: closes the loader's stdin, waits, and uses force only when that does not help. */
  stop(): Promise<void>;
  /** Resolves when no process is left; never rejects. */
  done: Promise<LoaderEnd>;
}

/** How long an orderly end may take: the loader flushes what it has, perhaps over a slow line. */
const STOP_GRACE_MS = 5000;
/** Noise that may come before a recording's magic. */
const MAX_NOISE_BYTES = 64 * 1024;

/** Starts the loader on this machine or on `request.host`, and streams what it says. */
export function startLoader(request: TraceRequest, options: LaunchOptions): LoaderSession {
  const control = new Control(options.signal);
  const done = launch(request, { ...options, signal: control.signal }, control)
    .catch((error: unknown): LoaderEnd => ({ code: null, signal: null, failure: asFailure(error) }))
    .finally(() => control.dispose());
  return { done, stop: async () => { control.stop(); await done; } };
}

/** Whether the trace is wanted still; before the loader runs, stopping means to abort. */
class Control {
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  readonly #onAbort = () => this.stop();
  stopping = false;
  /** set while the loader runs */
  running: (() => void) | undefined;

  constructor(private readonly outer: AbortSignal | undefined) {
    outer?.addEventListener('abort', this.#onAbort, { once: true });
    if (outer?.aborted) this.stop();
  }

  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    if (this.running) this.running();
    else this.#abort.abort();
  }

  dispose(): void {
    this.outer?.removeEventListener('abort', this.#onAbort);
  }
}

async function launch(request: TraceRequest, options: LaunchOptions, control: Control): Promise<LoaderEnd> {
  loaderArgs(request); // refuses a bad request before anything is connected
  const place = request.host === undefined ? await openLocal(options) : await openSsh(request.host, options);
  try {
    const rights = await gainRights(place, request.privilege ?? 'auto', options);
    if (control.stopping) throw cancelled();
    options.onLog('info', `${place.name}: starting the loader ${rights.how}`);
    options.onPhase?.('Starting');
    return await run(place, rights, request, options, control);
  } finally {
    await place.close();
  }
}

/** The loader runs: feeds it its arguments (and sudo its password), hands on its streams, names its end. */
async function run(place: Place, rights: Rights, request: TraceRequest, options: LaunchOptions, control: Control): Promise<LoaderEnd> {
  const args = encodeArgs(loaderArgs(request, rights.prefix.length > 0 ? place.facts.env : {}));
  const child = place.spawn([...rights.prefix, place.loader, '--args-from-stdin']);
  let forced = false;
  control.running = () => void end(child, STOP_GRACE_MS).then((force) => { forced = force; });
  if (control.stopping) control.running();

  const words = new Words(place, rights, options, child, args);
  if (rights.password === undefined) child.stdin.write(args);

  const magic = new AfterMarker(MAGIC, true);
  let noise = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    if (!magic.seen && (noise += chunk.length) > MAX_NOISE_BYTES) void end(child, 0);
    const bytes = magic.feed(chunk);
    if (bytes.length > 0) options.onStdout(bytes);
  });

  const { code, signal, error } = await ended(child);
  words.flush();
  if (error) throw fail('loader-died', `The loader could not be started: ${error.message}`, 'Run “ringlight doctor” to see what is wrong.');
  if (forced) {
    options.onLog('warning', `${place.name}: the loader did not leave when asked and was ended by force`);
    return { code, signal };
  }
  const failure = await place.explain({ code, signal, stderr: words.tail })
    ?? (noise > MAX_NOISE_BYTES && !magic.seen ? noRecording(place, magic) : undefined)
    ?? loaderFailure(place, code, signal, words, magic, control.stopping);
  return { code, signal, ...(failure ? { failure } : {}) };
}

/** The loader's stderr: sudo's prompt is answered, the rest handed on, the tail kept for a message. */
class Words {
  readonly #decoder = new StringDecoder('utf8');
  readonly #marker: AfterMarker | undefined;
  readonly #prompt: PromptFilter | undefined;
  tail = '';

  constructor(place: Place, rights: Rights, private readonly options: LaunchOptions, child: ChildProcessWithoutNullStreams, args: Buffer) {
    const { prompt, password } = rights;
    this.#marker = place.stderrMarker === undefined ? undefined : new AfterMarker(Buffer.from(place.stderrMarker));
    let answered = false;
    if (prompt !== undefined && password !== undefined) {
      this.#prompt = new PromptFilter(prompt, () => {
        // asked twice: a one-time password; whatever followed would be read as another guess
        if (answered) void end(child, 0);
        else child.stdin.write(Buffer.concat([Buffer.from(`${password}\n`), args]));
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

  /** The loader's own last complaint, without its name. */
  get complaint(): string {
    const lines = this.tail.split('\n').filter((line) => line.startsWith('ringlight-loader: '));
    return tidy(lines.at(-1)?.slice('ringlight-loader: '.length) ?? '');
  }
}

/** Waits for the exit, then for the rest of the output; when the loader was killed, its command may hold the pipes a moment longer. */
async function ended(child: ChildProcessWithoutNullStreams): Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }> {
  let error: Error | undefined;
  const closed = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (e) => {
      error = e;
      resolve();
    });
  });
  await exited;
  if (!await within(closed, 3000)) {
    child.stdout.destroy();
    child.stderr.destroy();
  }
  return { code: child.exitCode, signal: child.signalCode, ...(error ? { error } : {}) };
}

function loaderFailure(place: Place, code: number | null, signal: string | null, words: Words, magic: AfterMarker, stopping: boolean): LaunchFailure | undefined {
  const detail = words.tail ? { detail: tidy(words.tail) } : {};
  const because = words.complaint ? `: ${words.complaint}` : '';
  if (code === LoaderExit.Ok) return magic.seen || stopping ? undefined : noRecording(place, magic);
  if (code === LoaderExit.TargetFailed) {
    return magic.seen ? undefined : { code: 'bad-target', message: `The target could not be traced${because}.`, hint: 'Check the command and that it can be run there.', ...detail };
  }
  if (code === LoaderExit.Usage) {
    return { code: 'bad-target', message: `The loader does not accept this target${because}.`, hint: 'Check the process id or the command.', ...detail };
  }
  if (code === LoaderExit.CannotTrace) {
    return { code: /btf/i.test(words.complaint) ? 'no-btf' : 'cannot-trace', message: `${place.name} cannot trace${because}.`, hint: 'Run “ringlight doctor” to see what is missing there.', ...detail };
  }
  // ssh reports any death by a signal as 255
  const how = signal !== null ? `was ended by ${signal}` : code === 255 ? 'was ended by a signal' : code !== null && code > 128 ? `was ended by signal ${code - 128}` : `left with status ${code}`;
  return { code: 'loader-died', message: `The loader on ${place.name} ${how}.`, hint: 'What arrived until then is in the recording. Trace again; if it repeats, run “ringlight doctor”.', ...detail };
}

function noRecording(place: Place, magic: AfterMarker): LaunchFailure {
  return { code: 'bad-stream', message: `What came from ${place.name} is not a recording.`, hint: 'Check that the login shell there runs commands and prints nothing endless.', detail: tidy(magic.before.toString('utf8')) };
}

function asFailure(error: unknown): LaunchFailure {
  if (error instanceof LaunchError) return error.failure;
  return { code: 'loader-died', message: `Starting the trace failed: ${error instanceof Error ? error.message : String(error)}`, hint: 'Show the log for the details.' };
}
