/** `ringlight trace`: record, then summarise. */
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startLoader } from '../launch';
import { TRACED_APIS, type LaunchFailure, type TraceRequest } from '../protocol/launch';
import type { ApiName } from '../protocol/wire';
import { Recording } from '../recording';
import { formatSummary } from '../trace';
import { UsageError, type Command } from './command';
import { ASKPASS, LOADERS, parseOptions, print, printable, readFormat, say, type Format } from './output';
import { terminalAsk } from './terminal-ask';

const USAGE = `usage: ringlight trace [--host HOST] [--pid N | --all | -- COMMAND [ARGUMENT…]] [OPTION…]

Records the asynchronous I/O of a command, a process or the whole machine, then prints a summary.
Ctrl-C ends the recording in order. What the command prints goes to stderr.

  --host HOST          a host of your ssh configuration; absent: this machine
  --pid N              an existing process and the children it starts
  --all                every process
  --duration SECONDS   end after this time
  -o, --output FILE    keep the recording (.ringtrace)
  --apis LIST          of ${TRACED_APIS.join(',')}; default: all of them
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
    },
  });
  const targets = [values.pid, values.all, argv].filter((target) => target !== undefined).length;
  if (targets !== 1) throw new UsageError(`give one of --pid N, --all, -- COMMAND (see ringlight trace --help)`);
  const target: TraceRequest['target'] = values.pid !== undefined ? { kind: 'pid', pid: positive('--pid', values.pid) }
    : argv !== undefined ? { kind: 'command', argv } : { kind: 'all' };
  if (target.kind === 'command' && target.argv.length === 0) throw new UsageError('no command after --');
  return {
    request: {
      ...(values.host !== undefined ? { host: values.host } : {}),
      target,
      ...(values.duration !== undefined ? { durationSeconds: positive('--duration', values.duration) } : {}),
      ...(values.apis !== undefined ? { apis: readApis(values.apis) } : {}),
    },
    output: values.output, format: readFormat(values.format), sshConfig: values['ssh-config'],
  };
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new UsageError(`${option} ${value}: a positive number is wanted`);
  return number;
}

function readApis(list: string): ApiName[] {
  return list.split(',').map((name) => {
    const api = TRACED_APIS.find((known) => known === name);
    if (api === undefined) throw new UsageError(`--apis ${name}: one of ${TRACED_APIS.join(', ')}`);
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

function tell({ message, hint, detail }: LaunchFailure): void {
  if (detail) process.stderr.write(`${printable(detail).replace(/^/gm, '  | ')}\n`);
  say(printable(message));
  say(printable(hint));
}

function exitStatus(failure: LaunchFailure): number {
  switch (failure.code) {
    case 'bad-target': case 'target-gone': return 1;
    case 'bad-host': case 'cancelled': case 'connection-lost': case 'loader-died': case 'bad-stream': return 2;
    case 'ssh-missing': case 'ssh-failed': case 'host-key': case 'auth': case 'unreachable': case 'unsupported-machine': case 'no-loader':
    case 'upload-failed': case 'checksum': case 'no-privilege': case 'no-btf': case 'cannot-trace': return 3;
  }
}

export const trace: Command = { usage: USAGE, run };
