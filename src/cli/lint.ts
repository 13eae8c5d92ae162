/** `ringlight lint`: findings as text, JSON or SARIF. */
import { parseArgs } from 'node:util';
import type { Finding, LintFinding, LintReport, Range, Severity } from '../protocol/analysis';
import type { Input } from '../analysis/analyse';
import { parseVersion } from '../analysis/target';
import { UsageError, type Command } from './command';
import { diskAnalyser, sources } from './files';
import { sarif } from './sarif';

const SEVERITIES: Severity[] = ['hint', 'information', 'warning', 'error'];
const FORMATS = ['text', 'json', 'sarif'];

export const lint: Command = {
  usage: `usage: ringlight lint [PATH…] [--format text|json|sarif] [--target-kernel X.Y] [--target-liburing X.Y]
                      [--min-severity error|warning|information|hint]
Finds wrong and slow use of asynchronous I/O in C, C++ and Rust files; PATH is a file or a folder, the current folder by default.
Exit status: 0 no errors or warnings, 1 some, 2 wrong use or a path that cannot be read.
`,
  async run(args) {
    const { values, positionals } = options(args);
    const report: LintReport = { version: 1, findings: [], files: 0, parsed: 0, errors: [] };
    const analyser = diskAnalyser();
    const least = SEVERITIES.indexOf(values.severity);
    for await (const input of sources(positionals.length ? positionals : ['.'], (e) => report.errors.push(e))) {
      report.files++;
      try {
        const result = await analyser.file(input, { targetKernel: values.kernel, targetLiburing: values.liburing });
        if (result.parsed) report.parsed++;
        for (const f of result.findings) if (SEVERITIES.indexOf(f.severity) >= least) report.findings.push(lintFinding(input, f));
      } catch (error) {
        // a file that breaks the parser is told about; the others are still looked at
        analyser.grammars.reset(input.language);
        report.errors.push({ path: input.path, message: error instanceof Error ? error.message : String(error) });
      }
    }
    process.stdout.write(values.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : values.format === 'sarif' ? `${JSON.stringify(sarif(report), null, 2)}\n` : text(report));
    for (const e of report.errors) process.stderr.write(`ringlight: ${e.path}: ${e.message}\n`);
    if (report.errors.length) return 2;
    return report.findings.some((f) => f.severity === 'error' || f.severity === 'warning') ? 1 : 0;
  },
};

function options(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args, allowPositionals: true,
      options: { format: { type: 'string', default: 'text' }, 'target-kernel': { type: 'string' }, 'target-liburing': { type: 'string' }, 'min-severity': { type: 'string', default: 'hint' } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { format, 'target-kernel': kernel, 'target-liburing': liburing, 'min-severity': severity } = parsed.values;
  if (!FORMATS.includes(format)) throw new UsageError(`--format is one of ${FORMATS.join(', ')}, not “${format}”`);
  if (!SEVERITIES.includes(severity as Severity)) throw new UsageError(`--min-severity is one of ${SEVERITIES.join(', ')}, not “${severity}”`);
  if (kernel !== undefined && parseVersion(kernel) === undefined) throw new UsageError(`--target-kernel is a version like 6.1, not “${kernel}”`);
  if (liburing !== undefined && parseVersion(liburing) === undefined) throw new UsageError(`--target-liburing is a version like 2.3, not “${liburing}”`);
  return { values: { format, kernel, liburing, severity: severity as Severity }, positionals: parsed.positionals };
}

/** Positions as people count them. */
function oneBased(r: Range) {
  return { line: r.start.line + 1, column: r.start.column + 1, endLine: r.end.line + 1, endColumn: r.end.column + 1 };
}
function lintFinding(input: Input, f: Finding): LintFinding {
  const fix = f.fixes[0];
  return {
    path: input.path, ...oneBased(f.range), rule: f.rule, severity: f.severity, message: f.message, language: input.language,
    ...(fix ? { fix: { title: fix.title, safe: fix.safe, edits: fix.edits.map((e) => ({ ...oneBased(e.range), text: e.text })) } } : {}),
  };
}
function text(report: LintReport): string {
  const lines = report.findings.map((f) => `${f.path}:${f.line}:${f.column}: ${f.severity}: ${f.message} [${f.rule}]`);
  const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return [...lines, `${plural(report.findings.length, 'finding')} in ${plural(report.files, 'file')}, ${report.parsed} of them parsed`, ''].join('\n');
}
