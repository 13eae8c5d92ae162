import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languageOf } from '../../../src/analysis/gate';
import type { AnalysisOptions, Language } from '../../../src/protocol/analysis';

export const RULE_FIXTURES = join(import.meta.dirname, '../../fixtures/rules');

export interface Fixture { rule: string; name: string; path: string; language: Language; text: string; options: AnalysisOptions }
export interface Expectation { line: number; rule: string; text: string | undefined }

export function fixtureFolders(): string[] {
  return readdirSync(RULE_FIXTURES).sort();
}
export function fixtures(): Fixture[] {
  return fixtureFolders().flatMap((rule) => readdirSync(join(RULE_FIXTURES, rule)).sort().map((name) => {
    const path = join(RULE_FIXTURES, rule, name);
    const text = readFileSync(path, 'utf8');
    return { rule, name, path, language: languageOf(name, text)!, text, options: optionsOf(text) };
  }));
}

/** `// ruleid: a, b «underlined text»` speaks of the next line; 0-based lines. */
export function expectations(text: string): Expectation[] {
  return text.split('\n').flatMap((line, i) => {
    const m = /\bruleid: ([\w-]+(?:, *[\w-]+)*)(?: «(.*)»)?/.exec(line);
    return m ? m[1]!.split(/, */).map((rule) => ({ line: i + 1, rule, text: m[2] })) : [];
  });
}

/** `// target: kernel 5.10, liburing 2.3` somewhere in a fixture: what the code has to run with. */
function optionsOf(text: string): AnalysisOptions {
  const m = /\/\/ target:(?: kernel (\d+\.\d+))?,?(?: liburing (\d+\.\d+))?/.exec(text);
  return { ...(m?.[1] ? { targetKernel: m[1] } : {}), ...(m?.[2] ? { targetLiburing: m[2] } : {}) };
}
