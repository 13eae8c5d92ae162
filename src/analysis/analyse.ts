/** Source text to findings and usages: the way through this folder. */
import type { AnalysisOptions, AnalysisResult, Finding, Language, Severity, Usage } from '../protocol/analysis';
import { hasApiToken } from './gate';
import { blankAttributes } from './languages/c-declarator';
import { cFacts } from './languages/c-file';
import { rustFacts } from './languages/rust-file';
import { Grammars, type Tree, type WasmLoader } from './parser';
import { RULES } from './rules';
import type { Draft, Rule } from './rules/rule';
import { SourceFile } from './source-file';
import { isSuppressed, suppressions } from './suppress';
import { cUsages } from './usage/c';
import { rustUsages } from './usage/rust';

export interface Input { path: string; language: Language; text: string }

export class Analyser {
  readonly grammars: Grammars;

  /** `load` gives the bytes of `web-tree-sitter.wasm` and `tree-sitter-<language>.wasm`. */
  constructor(load: WasmLoader) {
    this.grammars = new Grammars(load);
  }

  /** Analyses one file from its text alone. Rejects when a grammar cannot be loaded or the parser fails. */
  async file(input: Input, options: AnalysisOptions): Promise<AnalysisResult> {
    if (!hasApiToken(input.language, input.text)) return { findings: [], usages: [], parsed: false };
    await this.grammars.open(input.language);
    const prepared = prepare(input.language, input.text);
    const tree = this.grammars.parse(input.language, prepared.text);
    try {
      return analyseTree(tree, prepared, input, options);
    } finally {
      tree.delete();
    }
  }
}

/** The text the parser gets, of the same length as the source. */
export type Prepared = ReturnType<typeof blankAttributes>;
export function prepare(language: Language, text: string): Prepared {
  return language === 'rust' ? { text, alignments: new Map() } : blankAttributes(text);
}

/** Analyses a parsed file; the tree stays the caller's. */
export function analyseTree(tree: Tree, prepared: Prepared, input: Input, options: AnalysisOptions): AnalysisResult {
  const facts = input.language === 'rust' ? rustFacts(tree) : cFacts(tree, input.language, prepared.alignments);
  const file = new SourceFile(input.path, input.language, input.text, facts, options);
  const usages = input.language === 'rust' ? rustUsages(file) : cUsages(file);
  const families = new Set(usages.map((u) => u.family));
  const findings: Finding[] = [];
  for (const rule of RULES) {
    if (!rule.info.languages.includes(input.language) || !rule.families.some((f) => families.has(f))) continue;
    const severity = severityOf(rule, options);
    if (severity === 'off') continue;
    rule.check(file, (draft) => findings.push(finding(file, rule, draft, severity)));
  }
  const silenced = suppressions(file);
  const shown = findings.filter((f) => !isSuppressed(f, silenced));
  shown.sort((a, b) => a.range.start.line - b.range.start.line || a.range.start.column - b.range.start.column || a.rule.localeCompare(b.rule));
  return {
    findings: shown,
    usages: usages.sort((a, b) => a.start - b.start).map((u): Usage => ({ family: u.family, api: u.api, range: { start: file.position(u.start), end: file.position(u.end) } })),
    parsed: true,
  };
}

/** The user's word on a rule's severity, by id or glob, the most exact first. */
function severityOf(rule: Rule, options: AnalysisOptions): Severity | 'off' | undefined {
  const overrides = Object.entries(options.severities ?? {});
  const matches = overrides.filter(([glob]) => new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`).test(rule.info.id));
  return matches.sort(([a], [b]) => b.replace(/\*/g, '').length - a.replace(/\*/g, '').length)[0]?.[1];
}

function finding(file: SourceFile, rule: Rule, draft: Draft, override: Severity | undefined): Finding {
  return {
    rule: rule.info.id,
    severity: override ?? draft.severity ?? rule.info.severity,
    message: draft.message,
    range: file.range(draft.at),
    related: (draft.related ?? []).map((r) => ({ range: file.range(r.at), message: r.message })),
    fixes: (draft.fixes ?? []).map((f) => ({ title: f.title, safe: f.safe, edits: f.edits.map((e) => ({ range: file.range(e.place), text: e.text })) })),
  };
}
