import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { Analyser } from '../../../src/analysis/analyse';
import type { AnalysisOptions, Finding, Language, TextEdit } from '../../../src/protocol/analysis';

const require = createRequire(import.meta.url);
const FOLDERS: Record<string, string> = {
  'web-tree-sitter.wasm': dirname(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
  'tree-sitter-c.wasm': dirname(require.resolve('tree-sitter-c/package.json')),
  'tree-sitter-cpp.wasm': dirname(require.resolve('tree-sitter-cpp/package.json')),
  'tree-sitter-rust.wasm': dirname(require.resolve('tree-sitter-rust/package.json')),
};

/** An analyser with the grammars of the packages that ship them. */
export function testAnalyser(): Analyser {
  return new Analyser(async (name) => readFileSync(join(FOLDERS[name]!, name)));
}
const shared = testAnalyser();

export async function analyse(text: string, language: Language = 'c', path = `file.${language === 'rust' ? 'rs' : language}`, options: AnalysisOptions = {}) {
  return shared.file({ path, language, text }, options);
}
export async function rulesIn(text: string, language: Language = 'c'): Promise<string[]> {
  return (await analyse(text, language)).findings.map((f) => f.rule);
}

/** The text with edits applied, which must not overlap. */
export function applied(text: string, edits: TextEdit[]): string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const offset = (p: { line: number; column: number }) => (starts[p.line] ?? text.length) + p.column;
  return [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce((t, e) => t.slice(0, offset(e.range.start)) + e.text + t.slice(offset(e.range.end)), text);
}
export function textAt(text: string, f: Finding): string {
  const lines = text.split('\n');
  const { start, end } = f.range;
  return start.line === end.line ? lines[start.line]!.slice(start.column, end.column)
    : [lines[start.line]!.slice(start.column), ...lines.slice(start.line + 1, end.line), lines[end.line]!.slice(0, end.column)].join('\n');
}

/** What fixes leave to the user, by rule: they make possible what these speak of, and only the user knows the answer. */
const ASKED_NEXT: Record<string, string> = {
  // how long the kernel's thread spins before it sleeps
  'uring-setup-params-invalid': 'uring-sqpoll-requirements',
  // what to do on file systems without direct I/O
  'aio-buffered-io': 'direct-open-no-fallback',
};
/** Rules that find more than they did, or as much where `less` is the rule whose finding was to go. */
export function grown(before: Finding[], after: Finding[], less?: string): string[] {
  const count = (all: Finding[], rule: string) => all.filter((f) => f.rule === rule && (rule !== ASKED_NEXT[less ?? ''] || f.severity === 'error' || f.severity === 'warning')).length;
  const rules = new Set([...after.map((f) => f.rule), ...(less === undefined ? [] : [less])]);
  return [...rules].filter((r) => (r === less ? count(after, r) >= count(before, r) : count(after, r) > count(before, r)));
}
