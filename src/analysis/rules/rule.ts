/** What a rule is. One file a rule in this folder: metadata, check, fix. */
import type { Family, RuleInfo, Severity } from '../../protocol/analysis';
import type { Place } from '../model';
import type { SourceFile } from '../source-file';

export interface Edit { place: Place; text: string }
export interface DraftFix { title: string; edits: Edit[]; safe: boolean }
export interface Draft {
  at: Place;
  message: string;
  /** default: the rule's */
  severity?: Severity;
  related?: { at: Place; message: string }[];
  fixes?: DraftFix[];
}
export interface Rule {
  info: RuleInfo;
  /** a sentence or two for the hover: what goes wrong */
  why: string;
  /** the rule looks at files that use one of these */
  families: Family[];
  check(file: SourceFile, report: (draft: Draft) => void): void;
}

/** An edit that puts text in at an offset of the file. */
export function insertion(offset: number, text: string): Edit {
  return { place: { base: offset, span: { start: 0, end: 0 } }, text };
}

/** Puts `#include <name>` behind the last include where it is missing. */
export function includeEdits(file: SourceFile, ...names: string[]): Edit[] {
  if (names.some((n) => file.includes(n))) return [];
  const last = file.facts.includes.at(-1);
  const line = `#include <${names[0]}>`;
  if (!last) return [insertion(0, `${line}\n`)];
  // an include's node ends behind its line break
  const end = file.text.slice(0, last.end).replace(/\s+$/, '').length;
  return [insertion(end, `\n${line}`)];
}

/** Whether a statement stands among others in braces, so that more may be put behind it. */
export function isInBlock(file: SourceFile, statement: Place): boolean {
  const before = file.text.slice(Math.max(0, statement.base), statement.base + statement.span.start).replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '').trimEnd();
  return /[{};:]$/.test(before);
}
