/** Source text to findings and usages: the way through this folder. */
import type { AnalysisOptions, AnalysisResult, Family, Finding, Language, Severity } from '../protocol/analysis';
import { inOrder, placed, type Judged } from './findings';
import { hasApiToken } from './gate';
import { frontEnd } from './languages/front-end';
import type { Func } from './model';
import { Grammars, type WasmLoader } from './parser';
import { RULES } from './rules';
import type { Draft, Rule } from './rules/rule';
import { SourceFile } from './source-file';
import { matches } from './rule-patterns';
import { isSuppressed, suppressions } from './suppress';
import { targetOf } from './target';
import { isExamplePath, isTestFunction, isTestPath, milder, testCode } from './test-code';
import { cUsages } from './usage/c';
import { neighbours } from './usage/neighbours';
import { placing, type RawUsage, type Usages } from './usage/places';
import { rustUsages } from './usage/rust';

export interface Input { path: string; language: Language; text: string; /** inside the project; default: the path */ place?: string }

/** What a file without any API token gives. */
export const NOTHING_FOUND: AnalysisResult = { findings: [], usages: [], neighbours: [], parsed: false };

export class Analyser {
  readonly grammars: Grammars;

  /** `load` gives the bytes of `web-tree-sitter.wasm` and `tree-sitter-<language>.wasm`. */
  constructor(load: WasmLoader) {
    this.grammars = new Grammars(load);
  }

  /** Analyses one file from its text alone. Rejects when a grammar cannot be loaded or the parser fails. */
  async file(input: Input, options: AnalysisOptions): Promise<AnalysisResult> {
    if (!hasApiToken(input.language, input.text)) return NOTHING_FOUND;
    await this.grammars.open(input.language);
    const front = frontEnd(input.language, this.grammars);
    try {
      const file = new SourceFile(input.path, input.language, input.place);
      file.update(input.text, front.facts(input.text), targetOf(options));
      return { ...judge(file, options) };
    } finally {
      front.drop();
    }
  }
}

/** Usages and findings of a file whose facts are up to date. */
export function judge(file: SourceFile, options: AnalysisOptions): AnalysisResult {
  const { families, list } = file.language === 'rust' ? whole(rustUsages(file)) : cUsages(file);
  const { rules, severities, checks, policy } = ruling(file.language, families, options);
  const testFile = isTestPath(file.place);
  const example = isExamplePath(file.place);
  const inTestCode = testCode(file);
  const findings: Finding[] = [];
  const judged = (rule: Rule, draft: Draft, inTest: () => boolean): Judged => {
    // it is said where it lies
    if (file.otherFile(draft.at)) return { rule, draft, severity: 'off' };
    return { rule, draft, severity: severities.get(rule) ?? inPlace(rule, draft, testFile || inTest() ? (example ? 'example' : 'test') : 'product') };
  };
  for (const rule of rules) {
    if (severities.get(rule) !== 'off') rule.checkFile?.(file, (draft) => findings.push(...placed(file, draft, policy, () => [judged(rule, draft, () => inTestCode(draft.at))])));
  }
  for (const spoken of draftsBy(file, checks)) {
    const inTest = (): boolean => isTestFunction(outermost(spoken.func));
    findings.push(...placed(file, spoken, policy, () => spoken.said.flatMap(({ rule, drafts }) => drafts.map((draft) => judged(rule, draft, inTest)))));
  }
  const silenced = suppressions(file);
  const shown = silenced ? findings.filter((f) => !isSuppressed(f, silenced)) : findings;
  shown.sort(inOrder);
  // between keystrokes nobody asks for these
  const placeUsages = placing(file);
  const direct = neighbours(file);
  let usages: AnalysisResult['usages'] | undefined;
  let beside: AnalysisResult['neighbours'] | undefined;
  return {
    findings: shown,
    get usages() { return usages ??= placeUsages(list()); },
    get neighbours() { return beside ??= placeUsages(direct()); },
    parsed: true,
  };
}
/** How much a finding weighs where it is. Tests leave things behind and mean to; examples too, but people copy them. */
function inPlace(rule: Rule, draft: Draft, code: 'product' | 'test' | 'example'): Severity | 'off' {
  const severity = draft.severity ?? rule.info.severity;
  if (code === 'product') return severity;
  if (rule.info.cleanup || (code === 'test' && (rule.info.refused || draft.harmlessInTests))) return 'off';
  if (rule.info.memorySafety) return severity;
  const less = milder(severity);
  return less === 'off' && code === 'example' ? severity : less;
}
function whole(list: RawUsage<Family>[]): Usages {
  return { families: new Set(list.map((u) => u.family)), list: () => list };
}

/** What rules look at a file, and how much weight the user gives them; `policy` tells it from others. */
interface Ruling { rules: Rule[]; severities: Map<Rule, Severity | 'off' | undefined>; checks: Checks; policy: string }
let lately: Ruling | undefined;
function ruling(language: Language, families: ReadonlySet<Family>, options: AnalysisOptions): Ruling {
  const policy = JSON.stringify([language, [...families].sort(), options.severities]);
  if (lately?.policy === policy) return lately;
  const rules = RULES.filter((r) => r.info.languages.includes(language) && (r.families.length === 0 || r.families.some((f) => families.has(f))));
  return (lately = { rules, severities: new Map(rules.map((r) => [r, severityOf(r, options)])), checks: checksOf(rules), policy });
}

/** The rules among these that look at functions; the same object for the same rules. */
interface Checks { key: string; rules: Rule[] }
const known = new Map<string, Checks>();
function checksOf(rules: Rule[]): Checks {
  const own = rules.filter((r) => r.check);
  const key = `drafts of ${own.map((r) => RULES.indexOf(r)).join(' ')}`;
  let checks = known.get(key);
  if (!checks) known.set(key, (checks = { key, rules: own }));
  return checks;
}

/** The functions of which rules say something. */
function draftsBy(file: SourceFile, checks: Checks): { func: Func; said: Said[] }[] {
  return file.program.gather(checks.key, (func) => {
    const said = draftsIn(file, func, checks);
    return said.length ? [{ func, said }] : [];
  });
}
const SILENT: Said[] = [];
interface Said { rule: Rule; drafts: Draft[] }
/** What rules say of a function. Most say nothing, and of most functions nothing is said: one answer for all of them. */
function draftsIn(file: SourceFile, func: Func, checks: Checks): Said[] {
  const { program } = file;
  return program.memo.derived(func, checks.key, () => {
    const out: Said[] = [];
    for (const rule of checks.rules) {
      if (rule.tokens && !program.mentions(func, rule.tokens)) continue;
      const drafts: Draft[] = [];
      rule.check!(file, func, (d) => drafts.push(d));
      if (drafts.length) out.push({ rule, drafts });
    }
    return out.length ? out : SILENT;
  });
}
function outermost(func: Func): Func {
  return func.parent ? outermost(func.parent) : func;
}

/** The user's word on a rule's severity, by id or glob, the most exact first. */
function severityOf(rule: Rule, options: AnalysisOptions): Severity | 'off' | undefined {
  const overrides = Object.entries(options.severities ?? {});
  return overrides.filter(([pattern]) => matches(pattern, rule.info.id)).sort(([a], [b]) => b.replace(/\*/g, '').length - a.replace(/\*/g, '').length)[0]?.[1];
}
