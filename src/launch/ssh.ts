/** A target behind the system's ssh client: one login, shared by the sessions that probe, upload and run. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchFailure } from '../protocol/launch';
import { serveAskpass, type AskpassServer } from './askpass-server';
import { end, finished, isRunning, start, within } from './child';
import { cancelled, fail, LaunchError, sshFailure, tidy } from './failure';
import { checkHost } from './host';
import { AfterMarker } from './marker';
import type { ConnectOptions } from './options';
import { sha256, shippedLoaders, unsupportedMachine, type Facts, type Place } from './place';
import { PLACE_COUNT, PROBE, RUN_CHECKED, STATUS_CHECKSUM, UPLOAD } from './scripts';
import { masterArgs, sessionArgs, type SshTarget } from './ssh-args';

/**
 * Logs in (silently, then with questions if `ask` is given), finds out about the machine and makes sure that our
 * loader is there.
 * @throws LaunchError
 */
export async function openSsh(host: string, options: ConnectOptions): Promise<Place> {
  checkHost(host);
  if (process.platform === 'win32') {
    throw fail('ssh-failed', 'Tracing over ssh is not supported from Windows itself.', 'Open the folder in WSL or on the Linux machine and trace from there.');
  }
  // the path of a unix socket has 107 bytes, and ssh adds 17 while it makes one
  const folder = await mkdtemp(join(tmpdir().length > 60 ? '/tmp' : tmpdir(), 'ringlight-'));
  const connection = new Connection(host, folder, options);
  try {
    return await connection.open();
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class Connection {
  readonly #target: SshTarget;
  readonly #marker = `ringlight-${randomBytes(8).toString('hex')}`;
  #master: ChildProcessWithoutNullStreams | undefined;
  #masterGone: Promise<void> | undefined;
  #masterWords = '';
  #askpass: AskpassServer | undefined;

  constructor(private readonly host: string, private readonly folder: string, private readonly options: ConnectOptions) {
    this.#target = { host, sshConfig: options.sshConfig, control: join(folder, 'control') };
  }

  async open(): Promise<Place> {
    const { host, options } = this;
    const shipped = await shippedLoaders(options.loaders);
    const sums = new Map<string, string>();
    for (const [machine, path] of shipped) sums.set(machine, await sha256(path));

    options.onPhase?.(`Connecting to ${host}`);
    const answers = await this.#connect([...sums].flat());
    const facts = readFacts(answers);
    if (answers.get('system') !== 'Linux') {
      throw fail('unsupported-machine', `${host} does not run Linux (it says ${answers.get('system') ?? 'nothing'}).`, 'Choose a Linux host.');
    }
    options.onLog('info', `${host}: Linux ${facts.kernel} on ${facts.machine}, user ${facts.user}`);
    const own = shipped.get(facts.machine);
    const sum = sums.get(facts.machine);
    if (own === undefined || sum === undefined) throw unsupportedMachine(host, facts.machine, shipped.keys());

    const loader = answers.get('loader') ?? await this.#upload(own, sum);
    options.onLog('info', `${host}: loader at ${loader}`);
    return {
      name: host, facts, loader, stderrMarker: `${this.#marker}\n`,
      spawn: (argv) => this.#spawn(['sh', '-c', RUN_CHECKED, 'sh', this.#marker, loader, sum, ...argv]),
      explain: (result) => this.#explain(result),
      close: () => this.close(),
    };
  }

  /** The shared connection: silently first, then with questions. @returns the probe's answers */
  async #connect(sums: string[]): Promise<Map<string, string>> {
    try {
      return await this.#probe(sums, false);
    } catch (error) {
      const { ask, askpass } = this.options;
      const mayHelp = error instanceof LaunchError && (error.failure.code === 'auth' || /not known yet/.test(error.failure.message) && error.failure.code === 'host-key');
      if (!mayHelp || !ask || askpass === undefined) throw error;
      this.options.onLog('info', `${this.host} needs an answer from you to log in`);
      this.#askpass = await serveAskpass(this.folder, askpass, (prompt, secret) => ask(tidy(prompt), secret), (text) => this.options.onPhase?.(tidy(text)));
      return await this.#probe(sums, true);
    }
  }

  #probe(sums: string[], interactive: boolean): Promise<Map<string, string>> {
    const { host, options } = this;
    const argv = masterArgs(this.#target, interactive, ['sh', '-c', PROBE, 'sh', this.#marker, ...sums]);
    const master = start(argv, { env: { ...process.env, ...this.#askpass?.env } });
    this.#master = master;
    this.#masterGone = new Promise((resolve) => { master.once('exit', () => resolve()); });
    this.#masterWords = '';
    return new Promise((resolve, reject) => {
      const after = new AfterMarker(Buffer.from(`${this.#marker}\n`));
      let answer = '';
      const onAbort = () => {
        reject(cancelled());
        void end(master, 0);
      };
      options.signal?.addEventListener('abort', onAbort, { once: true });
      if (options.signal?.aborted) onAbort();
      master.stdout.on('data', (chunk: Buffer) => {
        answer += after.feed(chunk).toString('utf8');
        const stop = answer.indexOf(this.#marker);
        if (stop < 0) return;
        // from here on, whoever uses the connection cancels, and closes it after
        options.signal?.removeEventListener('abort', onAbort);
        resolve(readLines(answer.slice(0, stop)));
      });
      master.stderr.on('data', (chunk: Buffer) => { this.#masterWords = (this.#masterWords + chunk.toString('utf8')).slice(-8192); });
      master.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT'
        ? fail('ssh-missing', 'There is no ssh client on this machine.', 'Install it: sudo apt install openssh-client')
        : fail('ssh-failed', `ssh could not be started: ${error.message}`, 'Check that ssh runs in a terminal.')));
      master.once('close', (code: number | null) => {
        options.signal?.removeEventListener('abort', onAbort);
        if (this.#askpass?.cancelled) reject(cancelled());
        else if (code === 255 || code === null) reject(new LaunchError(sshFailure(host, this.#masterWords)));
        else {
          reject(fail('ssh-failed', `${host} let us in but did not run a shell command.`,
            'Log in with a terminal and check that the account has a shell (sh) and may run commands.', `${after.before.toString('utf8')}\n${this.#masterWords}`));
        }
      });
    });
  }

  async #upload(path: string, sum: string): Promise<string> {
    const { host, options } = this;
    const size = (await stat(path)).size;
    options.onPhase?.(`Uploading the loader (${(size / 1e6).toFixed(1)} MB)`);
    const reasons: string[] = [];
    for (let place = 0; place < PLACE_COUNT; place++) {
      const child = this.#spawn(['sh', '-c', UPLOAD, 'sh', this.#marker, String(place), sum]);
      createReadStream(path).on('error', () => child.stdin.end()).pipe(child.stdin);
      const result = await finished(child, options.signal);
      if (options.signal?.aborted) throw cancelled();
      const lost = await this.#explain(result);
      if (lost) throw new LaunchError(lost);
      const after = new AfterMarker(Buffer.from(`${this.#marker}\n`));
      const answer = after.feed(Buffer.from(result.stdout)).toString('utf8').trim();
      if (answer.startsWith('ok=')) return answer.slice(3);
      options.onLog('info', `${host}: upload to place ${place}: ${answer || 'no answer'} ${tidy(result.stderr)}`);
      reasons.push(answer || tidy(result.stderr) || `status ${result.code}`);
    }
    throw fail('upload-failed', `The loader could not be put on ${host}.`,
      'Free some space in ~/.cache or /tmp there, on a file system that is not mounted noexec.',
      `$XDG_RUNTIME_DIR, ~/.cache, /tmp, /dev/shm: ${reasons.join(', ')}`);
  }

  #spawn(argv: readonly string[]): ChildProcessWithoutNullStreams {
    return start(sessionArgs(this.#target, argv));
  }

  async #explain({ code, signal, stderr }: { code: number | null; signal: NodeJS.Signals | null; stderr: string }): Promise<LaunchFailure | undefined> {
    const { host } = this;
    // when the connection dies, the session's client may leave before the shared one is seen to
    if (code === 255 && this.#masterGone) await within(this.#masterGone, 500);
    if (code === STATUS_CHECKSUM) {
      return { code: 'checksum', message: `The loader on ${host} is not the one we put there.`, hint: 'Start the trace again: it is uploaded anew. If that repeats, someone on that machine changes it.' };
    }
    const lost = !this.#master || !isRunning(this.#master);
    if (!lost && signal === null && (code !== 255 || !/Session open refused|mux_client|ssh: |kex_exchange/.test(stderr))) return undefined;
    if (!lost && signal === null) return sshFailure(host, stderr);
    return {
      code: 'connection-lost', message: `The connection to ${host} was lost.`,
      hint: 'What arrived until then is in the recording; the loader there has ended by itself. Trace again when the machine can be reached.',
      ...(this.#masterWords || stderr ? { detail: tidy(`${this.#masterWords}\n${stderr}`) } : {}),
    };
  }

  async close(): Promise<void> {
    if (this.#master) await end(this.#master, 2000);
    this.#askpass?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** `key=value` lines; the first of a key counts. */
function readLines(text: string): Map<string, string> {
  const answers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0 && !answers.has(line.slice(0, at))) answers.set(line.slice(0, at), line.slice(at + 1));
  }
  return answers;
}

function readFacts(answers: Map<string, string>): Facts {
  const env: Record<string, string> = {};
  for (const [key, value] of answers) if (key.startsWith('env.')) env[key.slice(4)] = value;
  return {
    machine: tidy(answers.get('machine') ?? 'unknown'), kernel: tidy(answers.get('kernel') ?? 'unknown'),
    uid: Number(answers.get('uid') ?? NaN), user: tidy(answers.get('user') ?? ''), env,
  };
}
