/** `ringlight doctor`: what can be traced there, and what to do about what cannot. */
import { checkHost, runDoctor } from '../launch';
import type { DoctorReport } from '../protocol/launch';
import type { Command } from './command';
import { ASKPASS, LOADERS, parseOptions, print, printable, readFormat, say } from './output';
import { terminalAsk } from './terminal-ask';

const USAGE = `usage: ringlight doctor [--host HOST] [--format text|json] [--ssh-config FILE]

Goes the way a trace goes and says what is missing, with the one thing to do about each.

exit status: 0 tracing works there, 1 it does not, 2 wrong use or an error
`;

const MARKS = { ok: '✓', warning: '!', missing: '✗' } as const;

function formatReport(report: DoctorReport): string {
  const lines = [`${report.host}: Linux ${report.kernel} on ${report.machine}`];
  // one line for what is as it should be: there are dozens of them
  const attached = report.checks.filter((check) => check.id.startsWith('hook:') && check.state === 'ok');
  for (const check of report.checks) {
    if (attached.includes(check)) {
      if (check === attached[0]) lines.push(`${MARKS.ok} Kernel hooks: ${attached.length} attached`);
      continue;
    }
    lines.push(`${MARKS[check.state]} ${check.title}: ${check.detail}`);
    if (check.remedy !== undefined) lines.push(`    → ${check.remedy}`);
  }
  lines.push('', report.canTrace ? 'Tracing works here.' : 'Tracing does not work here yet.');
  return printable(`${lines.join('\n')}\n`);
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions({ args, options: { host: { type: 'string' }, format: { type: 'string' }, 'ssh-config': { type: 'string' } } });
  const format = readFormat(values.format);
  if (values.host !== undefined) checkHost(values.host);
  const abort = new AbortController();
  const onSignal = () => abort.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const report = await runDoctor(values.host, {
    loaders: LOADERS, askpass: ASKPASS, ask: terminalAsk(), sshConfig: values['ssh-config'], signal: abort.signal,
    onLog: (level, text) => { if (level !== 'info') say(printable(text)); },
    onPhase: (text) => say(printable(text)),
  });
  await print(format === 'json' ? `${JSON.stringify(report)}\n` : formatReport(report));
  return report.canTrace ? 0 : 1;
}

export const doctor: Command = { usage: USAGE, run };
