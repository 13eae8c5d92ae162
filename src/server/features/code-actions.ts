/** Quick fixes, fix all, the migration, suppression and the rule's page. */
import { CodeActionKind, type CodeAction, type CodeActionParams, type TextEdit as LspEdit } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Migration } from '../../analysis/migration/libaio-to-liburing';
import { suppressFileEdit, suppressLineEdit } from '../../analysis/suppress';
import type { Finding, Range, TextEdit } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';
import { diagnostic, lspRange } from './diagnostics';

export const FIX_ALL = 'source.fixAll.ringlight';
export const MIGRATE = 'Migrate this libaio call sequence to liburing';
export const OPEN_RULE_PAGE = 'ringlight.openRulePage';

function lspEdits(edits: TextEdit[]): LspEdit[] {
  return edits.map((e) => ({ range: lspRange(e.range), newText: e.text }));
}
function touches(r: Range, params: CodeActionParams): boolean {
  const { start, end } = params.range;
  const before = (a: { line: number; column: number }, b: { line: number; character: number }) => a.line < b.line || (a.line === b.line && a.column <= b.character);
  const after = (a: { line: number; column: number }, b: { line: number; character: number }) => a.line > b.line || (a.line === b.line && a.column >= b.character);
  return before(r.start, end) && after(r.end, start);
}
/** Whether the client wants actions of this kind; without a wish it wants all but those of the file as a whole. */
function wanted(params: CodeActionParams, kind: string): boolean {
  const only = params.context.only;
  return only ? only.some((o) => kind === o || kind.startsWith(`${o}.`)) : kind !== FIX_ALL;
}

export interface Subject {
  text: string;
  findings: Finding[];
  /** the findings of another text in place of the document's */
  anew(text: string): Promise<Finding[]>;
  /** the text with the libaio sequence at the cursor on liburing, where there is one */
  migrated(): Migration | undefined;
}

/** `saysWhyNot`: the client shows actions that cannot be had, with the reason, to who asks for refactorings. */
export async function codeActions(params: CodeActionParams, subject: Subject, settings: ServerSettings, saysWhyNot = false): Promise<CodeAction[]> {
  const { uri } = params.textDocument;
  const { text, findings, anew } = subject;
  const actions: CodeAction[] = [];
  if (wanted(params, CodeActionKind.QuickFix)) {
    for (const f of findings.filter((x) => touches(x.range, params))) actions.push(...actionsFor(uri, text, f, settings));
  }
  if (wanted(params, FIX_ALL)) {
    const edits = await fixAll(text, findings, anew);
    if (edits.length) actions.push({ title: 'Fix all safe Ringlight findings', kind: FIX_ALL, edit: { changes: { [uri]: edits } } });
  }
  if (wanted(params, CodeActionKind.RefactorRewrite)) {
    const migration = subject.migrated();
    const warning = migration && 'text' in migration ? await newWarning(findings, migration.text, anew) : undefined;
    const refused = migration && 'refused' in migration ? migration.refused : warning && `The result would need a look: ${warning}`;
    if (migration && 'text' in migration && refused === undefined) {
      actions.push({ title: MIGRATE, kind: CodeActionKind.RefactorRewrite, edit: { changes: { [uri]: [difference(text, migration.text)] } } });
    } else if (refused !== undefined && params.context.only && saysWhyNot) {
      actions.push({ title: MIGRATE, kind: CodeActionKind.RefactorRewrite, disabled: { reason: refused } });
    }
  }
  return actions;
}

let judged: { text: string; warning: string | undefined } | undefined;
/** What warns in a rewritten text, of rules that found less before. The last answer is kept: the cursor moves more often than the text changes. */
async function newWarning(before: Finding[], text: string, anew: Subject['anew']): Promise<string | undefined> {
  if (judged?.text !== text) {
    const after = await anew(text);
    const count = (all: Finding[], rule: string) => all.filter((f) => f.rule === rule && (f.severity === 'error' || f.severity === 'warning')).length;
    judged = { text, warning: after.find((f) => count(after, f.rule) > count(before, f.rule))?.message };
  }
  return judged.warning;
}

function actionsFor(uri: string, text: string, f: Finding, settings: ServerSettings): CodeAction[] {
  const shown = [diagnostic(uri, f, settings)];
  const edit = (edits: TextEdit[]) => ({ changes: { [uri]: lspEdits(edits) } });
  return [
    ...f.fixes.map((fix): CodeAction => ({ title: fix.title, kind: CodeActionKind.QuickFix, diagnostics: shown, isPreferred: fix.safe, edit: edit(fix.edits) })),
    { title: `Suppress ${f.rule} on this line`, kind: CodeActionKind.QuickFix, diagnostics: shown, edit: edit([suppressLineEdit(text, f.rule, f.range.start.line)]) },
    { title: `Suppress ${f.rule} in this file`, kind: CodeActionKind.QuickFix, diagnostics: shown, edit: edit([suppressFileEdit(f.rule)]) },
    ...(settings.editorCommands ? [{ title: `Explain ${f.rule}`, kind: CodeActionKind.QuickFix, diagnostics: shown, command: { title: 'Explain', command: OPEN_RULE_PAGE, arguments: [f.rule] } }] : []),
  ];
}

/** Fixes that overlap take turns: more turns than this are a fix that brings its finding back. */
const TURNS = 8;

/** Every safe fix, also those that overlap and those of findings that only show after another fix. */
async function fixAll(text: string, findings: Finding[], anew: (text: string) => Promise<Finding[]>): Promise<LspEdit[]> {
  let edits = allSafeEdits(findings);
  if (!edits.length) return [];
  const first = lspEdits(edits);
  let fixed = TextDocument.applyEdits(TextDocument.create('', '', 0, text), first);
  for (let turn = 1; ; turn++) {
    edits = turn < TURNS ? allSafeEdits(await anew(fixed)) : [];
    if (!edits.length) return turn === 1 ? first : [difference(text, fixed)];
    fixed = TextDocument.applyEdits(TextDocument.create('', '', 0, fixed), lspEdits(edits));
  }
}
/** One edit over the lines that are different. */
function difference(before: string, after: string): LspEdit {
  const a = before.split('\n');
  const b = after.split('\n');
  let start = 0;
  while (start < a.length - 1 && start < b.length - 1 && a[start] === b[start]) start++;
  let tail = 0;
  while (tail < a.length - start - 1 && tail < b.length - start - 1 && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const last = a.length - 1 - tail;
  return { range: { start: { line: start, character: 0 }, end: { line: last, character: a[last]!.length } }, newText: b.slice(start, b.length - tail).join('\n') };
}

/** The edits of every safe fix, each once; a fix that overlaps one taken before waits for the next turn. */
export function allSafeEdits(findings: Finding[]): TextEdit[] {
  const taken: TextEdit[] = [];
  const same = (a: TextEdit, b: TextEdit) => compare(a.range.start, b.range.start) === 0 && compare(a.range.end, b.range.end) === 0 && a.text === b.text;
  const overlaps = (a: TextEdit, b: TextEdit) => compare(a.range.start, b.range.end) < 0 && compare(b.range.start, a.range.end) < 0;
  for (const f of findings) {
    const fix = f.fixes.find((x) => x.safe);
    if (!fix) continue;
    const fresh = fix.edits.filter((e) => !taken.some((t) => same(t, e)));
    if (fresh.some((e) => taken.some((t) => overlaps(t, e) || (compare(t.range.start, e.range.start) === 0 && compare(t.range.end, e.range.end) === 0)))) continue;
    taken.push(...fresh);
  }
  return taken;
}
function compare(a: { line: number; column: number }, b: { line: number; column: number }): number {
  return a.line - b.line || a.column - b.column;
}
