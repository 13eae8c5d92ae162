import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languageOf } from '../../../src/analysis/gate';
import type { Language } from '../../../src/protocol/analysis';

export const RULE_FIXTURES = join(import.meta.dirname, '../../fixtures/rules');

export interface Fixture { rule: string; name: string; path: string; language: Language; text: string }
export interface Expectation { line: number; rule: string; text: string | undefined }

export function fixtureFolders(): string[] {
  return readdirSync(RULE_FIXTURES).sort();
}
export function fixtures(): Fixture[] {
  return fixtureFolders().flatMap((rule) => readdirSync(join(RULE_FIXTURES, rule)).sort().map((name) => {
    const path = join(RULE_FIXTURES, rule, name);
    const text = readFileSync(path, 'utf8');
    return { rule, name, path, language: languageOf(name, text)!, text };
  }));
}

/** `// ruleid: a, b «underlined text»` speaks of the next line; 0-based lines. */
export function expectations(text: string): Expectation[] {
  return text.split('\n').flatMap((line, i) => {
    const m = /\bruleid: ([\w-]+(?:, *[\w-]+)*)(?: «(.*)»)?/.exec(line);
    return m ? m[1]!.split(/, */).map((rule) => ({ line: i + 1, rule, text: m[2] })) : [];
  });
}
