/** `ringlight report`: the summary of a recording. */
import { Recording } from '../recording';
import { formatSummary } from '../trace';
import { UsageError, type Command } from './command';
import { reason } from './files';
import { parseOptions, print, printable, readFormat, say } from './output';

const USAGE = `usage: ringlight report FILE [--format text|json]

Prints the summary of a recording (.ringtrace). A file that is cut off is read up to the cut.

exit status: 0, or 2 when the file cannot be read or is no recording
`;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions({ args, allowPositionals: true, options: { format: { type: 'string' } } });
  const format = readFormat(values.format);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError('give one recording (see ringlight report --help)');
  const recording = await Recording.open(file).catch((error: unknown) => reason(error));
  if (typeof recording === 'string') {
    say(`${printable(file)}: ${recording}`);
    return 2;
  }
  try {
    const { state, problem } = recording.status();
    if (state === 'failed') {
      say(`${printable(file)}: ${problem ? printable(problem.message) : 'not a recording'}`);
      return 2;
    }
    const summary = recording.summary();
    if (!summary.complete && summary.problem !== undefined) say(`${printable(file)}: ${printable(summary.problem)}`);
    await print(format === 'json' ? `${JSON.stringify(summary)}\n` : formatSummary(summary));
    return 0;
  } finally {
    await recording.dispose();
  }
}

export const report: Command = { usage: USAGE, run };
