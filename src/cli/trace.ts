/** `ringlight trace`: record, then summarise. */
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startLoader } from '../launch';
import { DEFAULT_APIS, REQUEST_MODES, type RequestMode, type TraceRequest } from '../protocol/launch';
import { API_NAMES, type ApiName } from '../protocol/wire';
import { Recording } from '../recording';
import { formatSummary } from '../trace';
import { UsageError, type Command } from './command';
import { exitStatus, tell } from './launch-failure';
import { ASKPASS, LOADERS, parseOptions, print, printable, readFormat, say, type Format } from './output';
import { terminalAsk } from './terminal-ask';

const USAGE = `usage: ringlight trace [--host HOST] [--pid N | --all | -- COMMAND [ARGUMENT…]] [OPTION…]

Records the asynchronous I/O of a command, a process or the whole machine, then prints a summary.
Ctrl-C ends the recording in order. What the command prints goes to stderr.

  --host HOST          a host of your ssh configuration; absent: this machine
  --pid N              an existing process and the children it starts
  --all                every process
  --comm NAME, --uid N, --cgroup DIR
                       of every process only those of that name, user, control group (version 2)
  --duration SECONDS   end after this time
  -o, --output FILE    keep the recording (.ringtrace)
  --apis LIST          of ${API_NAMES.join(',')}; default: ${DEFAULT_APIS.join(',')}
  --mode MODE          spans: every operation; sampled: one in N, and exact histograms; aggregate: histograms;
                       auto: as many spans as can be kept up with (default)
  --sample N           the N of sampled
  --calls              every io_uring_enter too, as a system call
  --stacks N           where in the program submissions come from, of one in N
  --pending MS         tell operations that have been in flight for so long (default 1000; 0: never)
  --format text|json   of the summary
  --ssh-config FILE    as ssh -F

exit status: 0 recorded, 1 the target failed, 2 wrong use or an I/O error, 3 tracing is not possible (says why)
`;

interface Options { request: TraceRequest; output: string | undefined; format: Format; sshConfig: string | undefined }

function parse(args: string[]): Options {
  const dashes = args.indexOf('--');
  const argv = dashes < 0 ? undefined : args.slice(dashes + 1);
  const { values } = parseOptions({
    args: dashes < 0 ? args : args.slice(0, dashes),
    options: {
      host: { type: 'string' }, pid: { type: 'string' }, all: { type: 'boolean' }, duration: { type: 'string' },
      output: { type: 'string', short: 'o' }, format: { type: 'string' }, apis: { type: 'string' }, 'ssh-config': { type: 'string' },
      mode: { type: 'string' }, sample: { type: 'string' }, calls: { type: 'boolean' }, stacks: { type: 'string' }, pending: { type: 'string' },
      comm: { type: 'string' }, uid: { type: 'string' }, cgroup: { type: 'string' },
    },
  });
  const targets = [values.pid, values.all, argv].filter((target) => target !== undefined).length;
  const filtered = [values.comm, values.uid, values.cgroup].some((filter) => filter !== undefined);
  if (filtered && (values.pid !== undefined || argv !== undefined)) throw new UsageError('--comm, --uid and --cgroup are for --all');
  if (targets > 1 || (targets === 0 && !filtered)) throw new UsageError(`give one of --pid N, --all, -- COMMAND (see ringlight trace --help)`);
  const target: TraceRequest['target'] = values.pid !== undefined ? { kind: 'pid', pid: processId(values.pid) }
    : argv !== undefined ? { kind: 'command', argv } : { kind: 'all' };
  if (target.kind === 'command' && target.argv.length === 0) throw new UsageError('no command after --');
  return {
    request: {
      ...(values.host !== undefined ? { host: values.host } : {}),
      target,
      ...(values.duration !== undefined ? { durationSeconds: positive('--duration', values.duration) } : {}),
      ...(values.apis !== undefined ? { apis: readApis(values.apis) } : {}),
      ...(values.mode !== undefined ? { mode: readMode(values.mode) } : {}),
      ...(values.sample !== undefined ? { sample: whole('--sample', values.sample, 2) } : {}),
      ...(values.calls ? { calls: true } : {}),
      ...(values.stacks !== undefined ? { stacks: whole('--stacks', values.stacks, 1) } : {}),
      ...(values.pending !== undefined ? { pendingMs: whole('--pending', values.pending, 0) } : {}),
      ...(values.comm !== undefined ? { comm: values.comm } : {}),
      ...(values.uid !== undefined ? { uid: whole('--uid', values.uid, 0) } : {}),
      ...(values.cgroup !== undefined ? { cgroup: values.cgroup } : {}),
    },
    output: values.output, format: readFormat(values.format), sshConfig: values['ssh-config'],
  };
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new UsageError(`${option} ${value}: a positive number is wanted`);
  return number;
}

/** Linux gives out no number above 4,194,304. */
function processId(value: string): number {
  const pid = whole('--pid', value, 1);
  if (pid > 4_194_304) throw new UsageError(`--pid ${value}: no process has so high a number`);
  return pid;
}

function whole(option: string, value: string, least: number): number {
  if (!/^\d{1,9}$/.test(value) || Number(value) < least) throw new UsageError(`${option} ${value}: a whole number from ${least} on is wanted`);
  return Number(value);
}

function readMode(value: string): RequestMode {
  const mode = REQUEST_MODES.find((known) => known === value);
  if (mode === undefined) throw new UsageError(`--mode ${value}: one of ${REQUEST_MODES.join(', ')}`);
  return mode;
}

function readApis(list: string): ApiName[] {
  return list.split(',').map((name) => {
    const api = API_NAMES.find((known) => known === name);
    if (api === undefined) throw new UsageError(`--apis ${name}: one of ${API_NAMES.join(', ')}`);
    return api;
  });
}

async function run(args: string[]): Promise<number> {
  const { request, output, format, sshConfig } = parse(args);
  if (output !== undefined) await checkOutput(output);
  // an earlier file of that name stays until there is a recording to take its place; two traces do not share a draft
  const temporary = output === undefined ? await mkdtemp(join(tmpdir(), 'ringlight-cli-')) : undefined;
  const spool = output === undefined ? join(temporary!, 'recording.ringtrace') : `${output}.${process.pid}.part`;
  const recording = await Recording.create(spool);
  let refused = false;
  try {
    let received = 0;
    const session = startLoader(request, {
      loaders: LOADERS, askpass: ASKPASS, ask: terminalAsk(), sshConfig,
      onStdout: (chunk) => {
        received += chunk.length;
        recording.append(chunk);
        if (recording.broken) void session.stop();
      },
      onOutput: (text) => process.stderr.write(text),
      onLog: (level, text) => { if (level !== 'info') say(printable(text)); },
      onPhase: (text) => say(printable(text)),
    });
    const onSignal = () => void session.stop();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, onSignal);
    const { code, failure } = await session.done;
    for (const signal of signals) process.off(signal, onSignal);

    await recording.end(failure && { message: failure.message, hint: failure.hint });
    const status = failure ? exitStatus(failure) : code === 1 ? 1 : 0;
    // a trace that could not begin has nothing that should take a file's place
    refused = failure !== undefined && status !== 2;
    const written = received > 0 && !refused && output !== undefined ? await keep(recording, spool, output) : true;
    if (received > 0) {
      const summary = recording.summary();
      if (failure) Object.assign(summary, { complete: false, problem: failure.message });
      await print(format === 'json' ? `${JSON.stringify(summary)}\n` : formatSummary(summary));
    }
    if (failure) tell(failure);
    if (!written) return 2;
    return status;
  } finally {
    await recording.dispose();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    else if (refused || recording.status().state === 'failed') await rm(spool, { force: true });
  }
}

/** Taking a name replaces what has it: only a plain file may be replaced, never a device. */
async function checkOutput(output: string): Promise<void> {
  const there = await stat(output).catch(() => undefined);
  if (there && !there.isFile()) throw new UsageError(`--output ${output}: that is ${there.isDirectory() ? 'a folder' : 'no plain file'}; name a file to write`);
  const folder = dirname(output);
  if (!(await stat(folder).then((s) => s.isDirectory(), () => false))) throw new UsageError(`--output ${output}: there is no folder ${folder}`);
}

/** Gives a recording its name. A disk that was full leaves a file that opens up to there. */
async function keep(recording: Recording, spool: string, output: string): Promise<boolean> {
  const problem = recording.status().problem;
  try {
    await rename(spool, output);
  } catch (error) {
    say(`${output}: ${error instanceof Error ? error.message : String(error)}; the recording is in ${spool}`);
    return false;
  }
  if (problem && /cannot be written/.test(problem.message)) {
    say(`${problem.message} ${problem.hint}`);
    return false;
  }
  say(`recorded to ${output}`);
  return true;
}

export const trace: Command = { usage: USAGE, run };
