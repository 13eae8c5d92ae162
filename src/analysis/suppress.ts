/**
 * Suppression comments: `// ringlight-disable-next-line <id>[, <id>] [-- why]`, `// ringlight-disable-line …`, and for a whole
 * file a line with `ringlight-disable …`. `uring-*` means every rule that begins so; without an id, or with `all`, each rule is meant.
 */
import type { Finding, TextEdit } from '../protocol/analysis';
import { commentIn } from './comments';
import { matches } from './rule-patterns';
import type { SourceFile } from './source-file';

interface Suppressions { file: Set<string>; lines: Map<number, Set<string>> }

const MARKER = /\bringlight-disable(-next-line|-line)?\b([^\n]*)/;

/** Undefined where the file has none. */
export function suppressions(file: SourceFile): Suppressions | undefined {
  if (!file.text.includes('ringlight-disable')) return undefined;
  const out: Suppressions = { file: new Set(), lines: new Map() };
  for (let line = 0; line < file.lines; line++) {
    const text = file.lineText(line);
    const m = text.includes('ringlight-disable') ? MARKER.exec(commentIn(text) ?? '') : null;
    if (!m) continue;
    const ids = m[2]!.replace(/\*\/.*$/, '').replace(/\s--(?:\s.*)?$/, '').split(/[\s,]+/).filter((id) => /^[a-z][\w*-]*$/.test(id));
    const rules = ids.length ? ids : ['all'];
    const at = m[1] === '-next-line' ? line + 1 : m[1] === '-line' ? line : undefined;
    const target = at === undefined ? out.file : out.lines.get(at) ?? new Set<string>();
    rules.forEach((r) => target.add(r));
    if (at !== undefined) out.lines.set(at, target);
  }
  return out;
}

export function isSuppressed(finding: Finding, s: Suppressions): boolean {
  const covers = (set: Set<string> | undefined) => set !== undefined && [...set].some((id) => id === 'all' || matches(id, finding.rule));
  return covers(s.file) || covers(s.lines.get(finding.range.start.line));
}

/** Edits that silence a finding on its line, or its rule in the whole file. */
export function suppressLineEdit(text: string, rule: string, line: number): TextEdit {
  const lines = text.split('\n');
  const indent = /^\s*/.exec(lines[line] ?? '')![0];
  const above = lines[line - 1] ?? '';
  const existing = /^\s*\/\/ ringlight-disable-next-line (?!all\b)([\w-]+(?:, *[\w-]+)*)/.exec(above);
  if (existing) {
    const column = existing[0].length;
    return { range: { start: { line: line - 1, column }, end: { line: line - 1, column } }, text: `, ${rule}` };
  }
  const at = { line, column: 0 };
  return { range: { start: at, end: at }, text: `${indent}// ringlight-disable-next-line ${rule}\n` };
}
export function suppressFileEdit(rule: string): TextEdit {
  const at = { line: 0, column: 0 };
  return { range: { start: at, end: at }, text: `/* ringlight-disable ${rule} */\n` };
}
