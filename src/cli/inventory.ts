/** `ringlight inventory`: which API families are used where. */
import { parseArgs } from 'node:util';
import { FAMILIES, type InventoryReport } from '../protocol/analysis';
import { phaseOf } from '../protocol/families';
import { UsageError, type Command } from './command';
import { diskAnalyser, sources } from './files';

export const inventory: Command = {
  usage: `usage: ringlight inventory [PATH…] [--format text|json]
Lists where asynchronous I/O is used, by API family; PATH is a file or a folder, the current folder by default.
Exit status: 0, or 2 on wrong use or a path that cannot be read.
`,
  async run(args) {
    const { format, paths } = options(args);
    const report: InventoryReport = { version: 1, usages: [], files: 0, families: [], neighbours: [] };
    const errors: { path: string; message: string }[] = [];
    const analyser = diskAnalyser();
    for await (const input of sources(paths, (e) => errors.push(e))) {
      report.files++;
      try {
        for (const u of (await analyser.file(input, {})).usages) {
          report.usages.push({ path: input.path, line: u.range.start.line + 1, column: u.range.start.column + 1, language: input.language, family: u.family, api: u.api, phase: phaseOf(u.family, u.api) });
        }
      } catch (error) {
        analyser.grammars.reset(input.language);
        errors.push({ path: input.path, message: error instanceof Error ? error.message : String(error) });
      }
    }
    process.stdout.write(format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : text(report));
    for (const e of errors) process.stderr.write(`ringlight: ${e.path}: ${e.message}\n`);
    return errors.length ? 2 : 0;
  },
};

function options(args: string[]): { format: string; paths: string[] } {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: { format: { type: 'string', default: 'text' } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { format } = parsed.values;
  if (format !== 'text' && format !== 'json') throw new UsageError(`--format is text or json, not “${format}”`);
  return { format, paths: parsed.positionals.length ? parsed.positionals : ['.'] };
}

function text(report: InventoryReport): string {
  const lines: string[] = [];
  for (const family of FAMILIES) {
    const usages = report.usages.filter((u) => u.family === family);
    if (!usages.length) continue;
    const files = new Set(usages.map((u) => u.path)).size;
    lines.push(`${family}: ${usages.length} in ${files} file${files === 1 ? '' : 's'}`, ...usages.map((u) => `  ${u.path}:${u.line}:${u.column}: ${u.api}`));
  }
  return [...(lines.length ? lines : ['no asynchronous I/O found']), ''].join('\n');
}
