/** Findings as diagnostics of the protocol. */
import { DiagnosticSeverity, type Diagnostic, type Range as LspRange } from 'vscode-languageserver';
import type { Finding, Range, Severity } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';
import { uriOf } from '../workspace/uris';

export const SOURCE = 'ringlight';

const SEVERITIES: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information, hint: DiagnosticSeverity.Hint,
};

export function lspRange(r: Range): LspRange {
  return { start: { line: r.start.line, character: r.start.column }, end: { line: r.end.line, character: r.end.column } };
}
/** The page of a rule, or undefined when the client did not say where the pages are. */
export function rulePage(settings: ServerSettings, rule: string): string | undefined {
  return settings.rulePages ? `${settings.rulePages.replace(/\/$/, '')}/${rule}.md` : undefined;
}

export function diagnostic(uri: string, finding: Finding, settings: ServerSettings): Diagnostic {
  const href = rulePage(settings, finding.rule);
  return {
    range: lspRange(finding.range),
    severity: SEVERITIES[finding.severity],
    source: SOURCE,
    code: finding.rule,
    ...(href ? { codeDescription: { href } } : {}),
    message: finding.message,
    ...(finding.related.length
      ? { relatedInformation: finding.related.map((r) => ({ location: { uri: r.path === undefined ? uri : uriOf(r.path), range: lspRange(r.range) }, message: r.message })) }
      : {}),
  };
}
