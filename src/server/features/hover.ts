/** Hover: why a finding is one, and what a recognised call, type or flag does. */
import { MarkupKind, type Hover, type Position } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { apiDoc, neighbourDoc, type ApiDoc } from '../../analysis/api-docs';
import { RULES } from '../../analysis/rules';
import type { Range } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';
import type { Analysed } from '../documents';
import { lspRange, rulePage } from './diagnostics';

function holds(r: Range, p: Position): boolean {
  const after = p.line > r.start.line || (p.line === r.start.line && p.character >= r.start.column);
  return after && (p.line < r.end.line || (p.line === r.end.line && p.character <= r.end.column));
}

export function hover(document: TextDocument, at: Position, analysed: Analysed, settings: ServerSettings): Hover | null {
  const { result, session } = analysed;
  const parts: string[] = [];
  let range: Range | undefined;
  for (const f of result.findings.filter((x) => holds(x.range, at))) {
    const rule = RULES.find((r) => r.info.id === f.rule);
    const page = rulePage(settings, f.rule);
    if (rule) parts.push(`**Why:** ${rule.why}${page ? ` [${f.rule}](${page})` : ''}`);
    range ??= f.range;
  }
  const usage = result.usages.find((u) => holds(u.range, at));
  const name = session.nameAt(document.offsetAt(at));
  const doc = usage ? apiDoc(usage.family, usage.api) : name && neighbourDoc(name.text, result.usages.map((u) => u.family));
  if (doc) parts.push(described(usage ? usage.api : name!.text, usage?.family, doc));
  if (!parts.length) return null;
  if (usage && doc) range = usage.range;
  return { contents: { kind: MarkupKind.Markdown, value: parts.join('\n\n---\n\n') }, ...(range ? { range: lspRange(range) } : {}) };
}

function described(name: string, family: string | undefined, doc: ApiDoc): string {
  return [
    `\`${name}\`${family ? ` (${family})` : ''}: ${doc.does}`,
    ...(doc.blocks ? [`**Blocks:** ${doc.blocks}`] : []),
    ...(doc.mistake ? [`**Mind:** ${doc.mistake}`] : []),
    ...(doc.since ? [`*Since ${doc.since}*`] : []),
  ].join('\n\n');
}
