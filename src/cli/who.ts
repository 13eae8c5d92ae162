/** `ringlight who`: who uses which API of asynchronous I/O on a machine, refreshed every two seconds. */
import { startLoader } from '../launch';
import { DEFAULT_APIS, type TraceRequest } from '../protocol/launch';
import type { Census } from '../protocol/wire';
import { formatWho, StreamReader, withRates } from '../trace';
import { UsageError, type Command } from './command';
import { exitStatus, tell } from './launch-failure';
import { ASKPASS, LOADERS, parseOptions, print, printable, readFormat, say } from './output';
import { terminalAsk } from './terminal-ask';

const USAGE = `usage: ringlight who [--host HOST] [--once] [--format text|json]

Shows which processes of the machine use io_uring and libaio and how much, and again every two seconds; only the kernel
counts, no operation is recorded. Ctrl-C ends it. In a terminal the table stays in place; with --format json each refresh
is one line.

  --host HOST          a host of your ssh configuration; absent: this machine
  --once               the first table, then the end
  --format text|json
  --ssh-config FILE    as ssh -F

exit status: 0, 2 wrong use or an I/O error, 3 tracing is not possible (says why)
`;

/** To the corner, and nothing left of what was there. */
const CLEAR = '\x1b[H\x1b[2J';

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions({
    args, allowPositionals: true,
    options: { host: { type: 'string' }, once: { type: 'boolean' }, format: { type: 'string' }, 'ssh-config': { type: 'string' } },
  });
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: who takes options only (see ringlight who --help)`);
  const format = readFormat(values.format);
  const request: TraceRequest = {
    ...(values.host !== undefined ? { host: values.host } : {}),
    target: { kind: 'all' }, mode: 'aggregate', apis: [...DEFAULT_APIS],
  };
  const where = values.host ?? 'this machine';
  const terminal = format === 'text' && process.stdout.isTTY && !values.once;
  const reader = new StreamReader();
  let shown: Census | undefined;
  let printing = Promise.resolve();

  const show = (census: Census): void => {
    const table = withRates(census, shown);
    shown = census;
    const text = format === 'json' ? `${JSON.stringify(table)}\n` : `${terminal ? CLEAR : ''}${printable(formatWho(table, where))}`;
    printing = printing.then(() => print(text));
  };
  const session = startLoader(request, {
    loaders: LOADERS, askpass: ASKPASS, ask: terminalAsk(), sshConfig: values['ssh-config'],
    onStdout: (chunk) => {
      reader.push(chunk);
      const { census } = reader.store;
      if (reader.failure) void session.stop();
      // after the end was asked for, nothing more is shown
      if (!census || census === shown || (values.once && shown)) return;
      show(census);
      if (values.once) void session.stop();
    },
    onOutput: (text) => process.stderr.write(printable(text)),
    onLog: (level, text) => { if (level !== 'info') say(printable(text)); },
    onPhase: (text) => { if (!shown) say(printable(text)); },
  });
  const onSignal = () => void session.stop();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  // a reader that went away wants no more
  process.stdout.on('error', onSignal);
  const { failure } = await session.done;
  for (const signal of signals) process.off(signal, onSignal);
  await printing;
  if (failure && !(failure.code === 'cancelled' && shown)) {
    tell(failure);
    return exitStatus(failure);
  }
  return 0;
}

export const who: Command = { usage: USAGE, run };
