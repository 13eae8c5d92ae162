/** One run of the loader, from the first connection to its last byte. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { LaunchFailure, TraceRequest } from '../protocol/launch';
import { LoaderExit } from '../protocol/wire';
import { end, within } from './child';
import { cancelled, fail, LaunchError, tidy } from './failure';
import { encodeArgs, loaderArgs } from './loader-args';
import { Stdout, Words } from './loader-streams';
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
    options.onLog('info', `${place.name}: starting the loader ${rights.how}`);
    options.onPhase?.('Starting');
    if (control.stopping) throw cancelled();
    return await run(place, rights, request, options, control);
  } finally {
    await place.close();
  }
}

/** The loader runs: feeds it its arguments (and sudo its password), hands on its streams, names its end. */
async function run(place: Place, rights: Rights, request: TraceRequest, options: LaunchOptions, control: Control): Promise<LoaderEnd> {
  const args = encodeArgs(loaderArgs(request, rights.prefix.length > 0 ? place.facts.env : {}));
  const child = place.spawn([...rights.prefix, place.loader, '--args-from-stdin']);
  let ending: Promise<boolean> | undefined;
  control.running = () => { ending = end(child, STOP_GRACE_MS); };

  const words = new Words(place, rights, options, child, args);
  const stdout = new Stdout(child, options);
  if (rights.password === undefined) child.stdin.write(args);
  const { code, signal, error } = await ended(child);
  words.flush();
  if (error) throw fail('loader-died', `The loader could not be started: ${error.message}`, 'Run “ringlight doctor” to see what is wrong.');
  if (words.refused) {
    throw fail('no-privilege', `sudo on ${place.name} took the password once and not again.`, 'With one-time passwords, let sudo run the loader without one (NOPASSWD).');
  }
  if (await ending) {
    options.onLog('warning', `${place.name}: the loader did not leave when asked and was ended by force`);
    return { code, signal };
  }
  const failure = await place.explain({ code, signal, stderr: words.tail })
    ?? (stdout.tooNoisy ? stdout.noRecording(place) : undefined)
    ?? loaderFailure(place, code, signal, words, stdout, control.stopping);
  return { code, signal, ...(failure ? { failure } : {}) };
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

function loaderFailure(place: Place, code: number | null, signal: string | null, words: Words, stdout: Stdout, stopping: boolean): LaunchFailure | undefined {
  if (code === LoaderExit.Ok) return stdout.began || stopping ? undefined : stdout.noRecording(place);
  if (code === LoaderExit.TargetFailed && stdout.began) return undefined;
  if (code === LoaderExit.TargetFailed || code === LoaderExit.Usage || code === LoaderExit.CannotTrace) {
    return stdout.refusal() ?? {
      code: code === LoaderExit.CannotTrace ? 'cannot-trace' : 'bad-target',
      message: `The loader on ${place.name} refused to trace.`, hint: 'Check the target, and run “ringlight doctor” to see what is missing there.', detail: tidy(words.tail),
    };
  }
  // ssh reports any death by a signal as 255
  const how = signal !== null ? `was ended by ${signal}` : code === 255 ? 'was ended by a signal' : code !== null && code > 128 ? `was ended by signal ${code - 128}` : `left with status ${code}`;
  return {
    code: 'loader-died', message: `The loader on ${place.name} ${how}.`,
    hint: 'What arrived until then is in the recording. Trace again; if it repeats, run “ringlight doctor”.',
    ...(words.tail ? { detail: tidy(words.tail) } : {}),
  };
}

function asFailure(error: unknown): LaunchFailure {
  if (error instanceof LaunchError) return error.failure;
  return { code: 'loader-died', message: `Starting the trace failed: ${error instanceof Error ? error.message : String(error)}`, hint: 'Show the log for the details.' };
}
