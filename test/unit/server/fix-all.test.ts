import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { allSafeEdits, codeActions } from '../../../src/server/features/code-actions';
import type { Finding, TextEdit } from '../../../src/protocol/analysis';
import type { ServerSettings } from '../../../src/protocol/lsp';

const SETTINGS: ServerSettings = { enable: true, hover: true, rulePages: '', scanOnOpen: false, exclude: [], editorCommands: false };
const edit = (line: number, start: number, end: number, text: string): TextEdit => ({ range: { start: { line, column: start }, end: { line, column: end } }, text });
const finding = (safe: boolean, ...edits: TextEdit[]): Finding => ({ rule: 'a-rule', severity: 'warning', message: '', range: edits[0]!.range, related: [], fixes: [{ title: '', safe, edits }] });

/** The text after “fix all”; `rules` finds in any text. */
async function fixed(text: string, rules: (text: string) => Finding[]): Promise<string> {
  const params = { textDocument: { uri: 'file:///a.c' }, range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, context: { diagnostics: [], only: ['source.fixAll'] } };
  const [action] = await codeActions(params, { text, findings: rules(text), anew: async (t) => rules(t), migrated: () => undefined }, SETTINGS);
  return TextDocument.applyEdits(TextDocument.create('', '', 0, text), action?.edit?.changes?.['file:///a.c'] ?? []);
}

describe('fix all', () => {
  it('leaves fixes alone that want a person\'s eye', async () => {
    expect(await fixed('abc', (t) => (t === 'abc' ? [finding(false, edit(0, 0, 1, 'X'))] : []))).toBe('abc');
  });
  it('takes an edit that two fixes share once', () => {
    const include = edit(0, 0, 0, '#include <a.h>\n');
    expect(allSafeEdits([finding(true, include, edit(1, 0, 1, 'X')), finding(true, include, edit(2, 0, 1, 'Y'))])).toHaveLength(3);
  });
  it('two fixes of one stretch take turns', async () => {
    const rules = (t: string): Finding[] => [
      ...(t.includes('b') ? [finding(true, edit(0, t.indexOf('b'), t.indexOf('b') + 1, 'B'))] : []),
      ...(/bc|Bc/.test(t) ? [finding(true, edit(0, t.indexOf('c') - 1, t.indexOf('c') + 1, `${t[t.indexOf('c') - 1]}C`))] : []),
    ];
    expect(allSafeEdits(rules('abcd\nsecond'))).toHaveLength(1);
    expect(await fixed('abcd\nsecond', rules)).toBe('aBCd\nsecond');
  });
  it('two insertions at one place do not mix', async () => {
    const rules = (t: string): Finding[] => ['one', 'two'].filter((w) => !t.includes(w)).map((w) => finding(true, edit(1, 0, 0, `${w}\n`)));
    expect((await fixed('first\nlast', rules)).split('\n').sort()).toEqual(['first', 'last', 'one', 'two']);
  });
  it('ends with a fix that brings its own finding back', async () => {
    expect(await fixed('x', (t) => [finding(true, edit(0, 0, 0, t.length < 100 ? 'y' : 'z'))])).toMatch(/^y{8}x$/);
  });
});
