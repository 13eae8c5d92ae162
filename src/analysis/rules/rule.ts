/** What a rule is. One file a rule in this folder: metadata, check, fix. */
import type { Family, RuleInfo, Severity } from '../../protocol/analysis';
import { FILE, placeIn, type Func, type Place, type Unit } from '../model';
import type { SourceFile } from '../source-file';

export interface Edit { place: Place; text: string }
export interface DraftFix { title: string; edits: Edit[]; safe: boolean }
export interface Draft {
  at: Place;
  message: string;
  /** default: the rule's */
  severity?: Severity;
  /** a test that runs into it fails or is over: nobody goes on from there */
  harmlessInTests?: boolean;
  related?: { at: Place; message: string }[];
  fixes?: DraftFix[];
}
/** What a rule may ask about a file besides the function at hand: nothing but what is asked anew when the file changes. */
export type View = Pick<SourceFile, 'program' | 'target' | 'language' | 'includes' | 'lastInclude' | 'fieldType' | 'globalType' | 'definesGnuSource' | 'says' | 'definesConstant' | 'isThreadLocal' | 'conditions' | 'indentation' | 'source'>;

export interface Rule {
  info: RuleInfo;
  /** a sentence or two for the hover: what goes wrong */
  why: string;
  /** the rule looks at files that use one of these; at all that are parsed where none is named */
  families: Family[];
  /** functions whose source has nothing of this are not looked at */
  tokens?: RegExp;
  /** Looks at one function. Its drafts stay until the function, or an answer the check got, is different. */
  check?(file: View, func: Func, report: (draft: Draft) => void): void;
  /** Looks at the whole file, in each version anew. */
  checkFile?(file: SourceFile, report: (draft: Draft) => void): void;
}

/** An edit that puts text in at an offset of the unit. */
export function insertion(unit: Readonly<Unit>, offset: number, text: string): Edit {
  return { place: placeIn(unit, { start: offset, end: offset }), text };
}

/** Puts `#include <name>` behind the last include where it is missing. */
export function includeEdits(file: View, ...names: string[]): Edit[] {
  if (names.some((n) => file.includes(n))) return [];
  const last = file.lastInclude;
  const line = `#include <${names[0]}>`;
  return [last ? insertion(last, last.span.end, `\n${line}`) : insertion(FILE, 0, `${line}\n`)];
}

/** Whether a statement stands among others in braces, so that more may be put behind it. */
export function isInBlock(file: View, statement: Place): boolean {
  const before = file.source(placeIn(statement, { start: 0, end: statement.span.start })).replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '').trimEnd();
  return /[{};:]$/.test(before);
}
