/** Hover: why a finding is one, and what a recognised call, type, field or flag does. */
import { MarkupKind, type Hover, type Position } from 'vscode-languageserver';
import { apiDoc, type ApiDoc } from '../../analysis/api-docs';
import { RULES } from '../../analysis/rules';
import type { Range, Surface, Usage } from '../../protocol/analysis';
import { FAMILY_INFO } from '../../protocol/families';
import type { ServerSettings } from '../../protocol/lsp';
import type { Analysed } from '../documents';
import { lspRange, rulePage } from './diagnostics';

function holds(r: Range, p: Position): boolean {
  const after = p.line > r.start.line || (p.line === r.start.line && p.character >= r.start.column);
  return after && (p.line < r.end.line || (p.line === r.end.line && p.character <= r.end.column));
}

/** `field`: that of a structure of the APIs at the position. */
export function hover(at: Position, { result }: Analysed, field: () => Usage<Surface> | undefined, settings: ServerSettings): Hover | null {
  const parts: string[] = [];
  let range: Range | undefined;
  for (const f of result.findings.filter((x) => holds(x.range, at))) {
    const rule = RULES.find((r) => r.info.id === f.rule);
    const page = rulePage(settings, f.rule);
    if (rule) parts.push(`**Why:** ${rule.why}${page ? ` [${f.rule}](${page})` : ''}`);
    range ??= f.range;
  }
  const usage = result.usages.find((u) => holds(u.range, at)) ?? result.neighbours.find((u) => holds(u.range, at)) ?? field();
  const doc = usage && apiDoc(usage.family, usage.api);
  if (doc) {
    parts.push(described(usage.api, FAMILY_INFO[usage.family].label, doc));
    range = usage.range;
  }
  if (!parts.length) return null;
  return { contents: { kind: MarkupKind.Markdown, value: parts.join('\n\n---\n\n') }, ...(range ? { range: lspRange(range) } : {}) };
}

function described(name: string, family: string, doc: ApiDoc): string {
  return [
    `\`${name}\` (${family}): ${doc.does}`,
    ...(doc.blocks ? [`**Blocks:** ${doc.blocks}`] : []),
    ...(doc.mistake ? [`**Mind:** ${doc.mistake}`] : []),
    ...(doc.since ? [`*Since ${doc.since}*`] : []),
  ].join('\n\n');
}
