/** Child processes: each in a session of its own, ended for certain, with all that is left of its group. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';

/** Longest output kept of a program that answers and leaves. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Starts a program with pipes. It gets a session of its own, so that Ctrl-C in a terminal reaches only us, and we
 * end the trace in order.
 */
export function start(argv: readonly string[], options: { env?: NodeJS.ProcessEnv } = {}): ChildProcessWithoutNullStreams {
  const [file, ...args] = argv;
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: options.env ?? process.env });
  // whoever waits for `close` hears of a failed write soon enough
  child.stdin.on('error', () => undefined);
  // a spawn that failed is read from `error` by whoever waits; without a listener it would end the process
  child.on('error', () => undefined);
  return child;
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** errno name when the program could not be started at all */
  missing?: string;
}

/**
 * Waits for a program's end and its output. Output beyond 1 MB is dropped.
 * @param abort ends the program at once; the promise still resolves when it is gone
 */
export function finished(child: ChildProcessWithoutNullStreams, abort?: AbortSignal): Promise<Finished> {
  return new Promise((resolve) => {
    const outputs: Buffer[][] = [[], []];
    [child.stdout, child.stderr].forEach((stream, i) => {
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_ANSWER_BYTES) outputs[i]!.push(chunk);
      });
    });
    const text = (i: number) => Buffer.concat(outputs[i]!).toString('utf8');
    const onAbort = () => void end(child, 0);
    let missing: string | undefined;
    child.once('error', (error: NodeJS.ErrnoException) => {
      missing = error.code ?? error.message;
    });
    child.once('close', (code, signal) => {
      abort?.removeEventListener('abort', onAbort);
      resolve({ code: missing === undefined ? code : null, signal, stdout: text(0), stderr: text(1), missing });
    });
    abort?.addEventListener('abort', onAbort, { once: true });
    if (abort?.aborted) onAbort();
  });
}

/**
 * Ends a program: closes its stdin and waits `grace` ms for it to leave, then asks its process group with SIGTERM,
 * then kills it. Resolves to whether force was needed.
 */
export async function end(child: ChildProcessWithoutNullStreams, grace: number): Promise<boolean> {
  if (!isRunning(child)) return false;
  const gone = once(child, 'exit').then(() => true, () => true);
  child.stdin.end();
  if (grace > 0 && await within(gone, grace)) return false;
  signalGroup(child, 'SIGTERM');
  if (!await within(gone, 2000)) {
    signalGroup(child, 'SIGKILL');
    // a program of another user (under sudo) cannot be signalled; without its pipes it leaves by itself
    child.stdout.destroy();
    child.stderr.destroy();
    await within(gone, 2000);
  }
  return true;
}

export function isRunning(child: ChildProcessWithoutNullStreams): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Signals the program and all it started, where we may. */
function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // gone already, or of another user
  }
}

/** Whether `event` comes within `ms`. */
export async function within(event: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([event.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
