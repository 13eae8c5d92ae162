/** Findings as a SARIF 2.1.0 log. */
import type { Log, Result } from 'sarif';
import { pathToFileURL } from 'node:url';
import { isAbsolute } from 'node:path';
import { RULES } from '../analysis/rules';
import type { LintReport, Severity } from '../protocol/analysis';

const LEVELS: Record<Severity, Result.level> = { error: 'error', warning: 'warning', information: 'note', hint: 'note' };

export function sarif(report: LintReport): Log {
  const ids = RULES.map((r) => r.info.id);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: {
        driver: {
          name: 'Ringlight',
          rules: RULES.map(({ info }) => ({ id: info.id, shortDescription: { text: info.summary }, defaultConfiguration: { level: LEVELS[info.severity] } })),
        },
      },
      columnKind: 'utf16CodeUnits',
      invocations: [{
        executionSuccessful: report.errors.length === 0,
        toolExecutionNotifications: report.errors.map((e) => ({ level: 'error', message: { text: `${e.path}: ${e.message}` } })),
      }],
      results: report.findings.map((f) => ({
        ruleId: f.rule, ruleIndex: ids.indexOf(f.rule), level: LEVELS[f.severity], message: { text: f.message },
        locations: [{
          physicalLocation: {
            artifactLocation: { uri: uri(f.path) },
            region: { startLine: f.line, startColumn: f.column, endLine: f.endLine, endColumn: f.endColumn },
          },
        }],
      })),
    }],
  };
}
function uri(path: string): string {
  return isAbsolute(path) ? pathToFileURL(path).href : path.split('/').map(encodeURIComponent).join('/');
}
