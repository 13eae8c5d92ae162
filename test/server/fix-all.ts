/** A fixture after *fix all in file*, as the server's code action makes it. */
import { codeActions } from '../../src/server/features/code-actions';
import type { Finding } from '../../src/protocol/analysis';
import type { ServerSettings } from '../../src/protocol/lsp';
import type { Fixture } from '../unit/analysis/fixtures';
import { analyse } from '../unit/analysis/support';
import { edited } from './client';

const URI = 'file:///fixture';
const SETTINGS: ServerSettings = { enable: true, hover: true, rulePages: '', scanOnOpen: false, exclude: [], editorCommands: false };
const start = { line: 0, character: 0 };

export async function fixedAll(f: Fixture): Promise<{ before: Finding[]; text: string; after: Finding[] }> {
  const anew = async (text: string): Promise<Finding[]> => (await analyse(text, f.language, f.name, f.options)).findings;
  const before = await anew(f.text);
  const params = { textDocument: { uri: URI }, range: { start, end: start }, context: { diagnostics: [], only: ['source.fixAll'] } };
  const [action] = await codeActions(params, { text: f.text, findings: before, anew, migrated: () => undefined }, SETTINGS);
  const text = action ? edited(f.text, action.edit!.changes![URI]!) : f.text;
  return { before, text, after: await anew(text) };
}
