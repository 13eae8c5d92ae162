/** `ringlight lint`: findings as text, JSON or SARIF. */
import { parseArgs } from 'node:util';
import type { AnalysisOptions, Finding, LintFinding, LintRange, LintReport, Range, Severity } from '../protocol/analysis';
import { parseVersion } from '../analysis/target';
import { UsageError, type Command } from './command';
import { print, printable } from './output';
import { sarif } from './sarif';
import { scan } from './scan';
import type { Source } from './scan-part';

const SEVERITIES: Severity[] = ['hint', 'information', 'warning', 'error'];
const FORMATS = ['text', 'json', 'sarif'];

export const lint: Command = {
  usage: `usage: ringlight lint [PATH…] [--format text|json|sarif] [--target-kernel X.Y] [--target-liburing X.Y]
                      [--min-severity error|warning|information|hint] [--severity RULE=LEVEL…] [--exclude PATTERN…]
Finds wrong and slow use of asynchronous I/O in C, C++ and Rust files; PATH is a file or a folder, the current folder by default.
--severity gives a rule, or several by a pattern like uring-*, another level; off silences it.
--exclude leaves out files and folders below PATH, by a pattern as in .gitignore.
Exit status: 0 no errors or warnings, 1 some, 2 wrong use or a path that cannot be read.
`,
  async run(args) {
    const { values, positionals } = options(args);
    const found = await scan(positionals.length ? positionals : ['.'], values.exclude, values.analysis);
    const least = SEVERITIES.indexOf(values.severity);
    const report: LintReport = {
      version: 1,
      findings: found.scanned.flatMap(({ source, result }) => result.findings.filter((f) => SEVERITIES.indexOf(f.severity) >= least).map((f) => lintFinding(source, f))),
      files: found.files,
      parsed: found.scanned.filter((s) => s.result.parsed).length,
      errors: found.errors,
    };
    await print(values.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : values.format === 'sarif' ? `${JSON.stringify(sarif(report), null, 2)}\n` : text(report));
    for (const e of report.errors) process.stderr.write(`ringlight: ${printable(e.path)}: ${e.message}\n`);
    if (report.errors.length) return 2;
    return report.findings.some((f) => f.severity === 'error' || f.severity === 'warning') ? 1 : 0;
  },
};

function options(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args, allowPositionals: true,
      options: {
        format: { type: 'string', default: 'text' }, 'target-kernel': { type: 'string' }, 'target-liburing': { type: 'string' }, 'min-severity': { type: 'string', default: 'hint' },
        severity: { type: 'string', multiple: true, default: [] }, exclude: { type: 'string', multiple: true, default: [] },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { format, 'target-kernel': kernel, 'target-liburing': liburing, 'min-severity': severity, severity: levels, exclude } = parsed.values;
  if (!FORMATS.includes(format)) throw new UsageError(`--format is one of ${FORMATS.join(', ')}, not “${format}”`);
  if (!SEVERITIES.includes(severity as Severity)) throw new UsageError(`--min-severity is one of ${SEVERITIES.join(', ')}, not “${severity}”`);
  if (kernel !== undefined && parseVersion(kernel) === undefined) throw new UsageError(`--target-kernel is a version like 6.1, not “${kernel}”`);
  if (liburing !== undefined && parseVersion(liburing) === undefined) throw new UsageError(`--target-liburing is a version like 2.3, not “${liburing}”`);
  const analysis: AnalysisOptions = {
    severities: overrides(levels), ...(kernel === undefined ? {} : { targetKernel: kernel }), ...(liburing === undefined ? {} : { targetLiburing: liburing }),
  };
  return { values: { format, analysis, severity: severity as Severity, exclude }, positionals: parsed.positionals };
}

/** `RULE=LEVEL` */
function overrides(levels: string[]): Record<string, Severity | 'off'> {
  return Object.fromEntries(levels.map((written) => {
    const [, rule, level] = /^([\w*-]+)=(\w+)$/.exec(written) ?? [];
    if (rule === undefined || !(level === 'off' || SEVERITIES.includes(level as Severity))) throw new UsageError(`--severity is RULE=${[...SEVERITIES].reverse().join('|')}|off, not “${written}”`);
    return [rule, level as Severity | 'off'];
  }));
}

/** Positions as people count them. */
function oneBased(r: Range): LintRange {
  return { line: r.start.line + 1, column: r.start.column + 1, endLine: r.end.line + 1, endColumn: r.end.column + 1 };
}
function lintFinding({ path, language }: Source, f: Finding): LintFinding {
  const fix = f.fixes[0];
  return {
    path, ...oneBased(f.range), rule: f.rule, severity: f.severity, message: f.message, language,
    ...(fix ? { fix: { title: fix.title, safe: fix.safe, edits: fix.edits.map((e) => ({ ...oneBased(e.range), text: e.text })) } } : {}),
    ...(f.related.length ? { related: f.related.map((r) => ({ path: r.path ?? path, ...oneBased(r.range), message: r.message })) } : {}),
  };
}

function text(report: LintReport): string {
  const lines = report.findings.map((f) => `${printable(f.path)}:${f.line}:${f.column}: ${f.severity}: ${f.message} [${f.rule}]`);
  const counts = [...SEVERITIES].reverse().map((s) => ({ s, n: report.findings.filter((f) => f.severity === s).length })).filter(({ n }) => n > 0);
  const found = `${plural(report.findings.length, 'finding')}${counts.length ? ` (${counts.map(({ s, n }) => (s === 'information' ? `${n} information` : plural(n, s))).join(', ')})` : ''}`;
  return [...lines, `${found} in ${plural(report.files, 'file')}, ${report.parsed} of them parsed`, ''].join('\n');
}
function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
