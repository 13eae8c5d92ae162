/** `ringlight inventory`: which API families are used where. */
import { parseArgs } from 'node:util';
import type { InventoryReport, InventoryUsage, Surface, Usage } from '../protocol/analysis';
import { FAMILY_INFO, PHASE_LABELS, phaseOf, SURFACES, type Phase } from '../protocol/families';
import { UsageError, type Command } from './command';
import { print, printable } from './output';
import { scan } from './scan';
import type { Source } from './scan-part';

export const inventory: Command = {
  usage: `usage: ringlight inventory [PATH…] [--format text|json] [--exclude PATTERN…]
Lists where asynchronous I/O is used, by API family and with the phase it belongs to; PATH is a file or a folder, the current folder by default.
--exclude leaves out files and folders below PATH, by a pattern as in .gitignore.
Exit status: 0, or 2 on wrong use or a path that cannot be read.
`,
  async run(args) {
    const { format, exclude, paths } = options(args);
    const { files, scanned, errors } = await scan(paths, exclude, { severities: { '*': 'off' } });
    const usages = scanned.flatMap(({ source, result }) => result.usages.map((u) => entry(source, u)));
    const neighbours = scanned.flatMap(({ source, result }) => result.neighbours.map((u) => entry(source, u)));
    const calls = new Map<Surface, number>();
    for (const { result } of scanned) for (const u of [...result.usages, ...result.neighbours]) if (u.call) calls.set(u.family, (calls.get(u.family) ?? 0) + 1);
    const report: InventoryReport = { version: 1, usages, files, families: families([...usages, ...neighbours], calls), neighbours };
    await print(format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : text(report));
    for (const e of errors) process.stderr.write(`ringlight: ${printable(e.path)}: ${e.message}\n`);
    return errors.length ? 2 : 0;
  },
};

function options(args: string[]): { format: string; exclude: string[]; paths: string[] } {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: { format: { type: 'string', default: 'text' }, exclude: { type: 'string', multiple: true, default: [] } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { format, exclude } = parsed.values;
  if (format !== 'text' && format !== 'json') throw new UsageError(`--format is text or json, not “${format}”`);
  return { format, exclude, paths: parsed.positionals.length ? parsed.positionals : ['.'] };
}

function entry<F extends Surface>({ path, language }: Source, u: Usage<F>): InventoryUsage<F> {
  return {
    path, line: u.range.start.line + 1, column: u.range.start.column + 1, language, family: u.family, api: u.api, phase: phaseOf(u.family, u.api),
    ...(u.within === undefined ? {} : { function: u.within }),
  };
}

function families(all: InventoryUsage<Surface>[], calls: Map<Surface, number>): InventoryReport['families'] {
  return SURFACES.flatMap((family) => {
    const own = all.filter((u) => u.family === family);
    if (!own.length) return [];
    const phases = new Set<Phase>(own.map((u) => u.phase));
    return [{ family, phases: [...phases], usages: own.length, calls: calls.get(family) ?? 0, files: new Set(own.map((u) => u.path)).size }];
  });
}

function text(report: InventoryReport): string {
  const all = [...report.usages, ...report.neighbours];
  const lines = report.families.flatMap(({ family, phases, usages, calls, files }) => [
    `${family} (${[FAMILY_INFO[family].label, ...phases.map((p) => PHASE_LABELS[p])].join('; ')}): ${usages} in ${files} file${files === 1 ? '' : 's'}, ${calls} of them calls`,
    ...all.filter((u) => u.family === family).map((u) => `  ${printable(u.path)}:${u.line}:${u.column}: ${u.api}${u.function === undefined ? '' : ` in ${u.function}`}`),
  ]);
  return [...(lines.length ? lines : ['no asynchronous I/O found']), ''].join('\n');
}
