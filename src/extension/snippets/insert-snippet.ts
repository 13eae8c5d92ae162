/** *Insert Snippet…*: the same snippets that completion offers, chosen from a list with what they do. */
import * as vscode from 'vscode';
import * as v from 'valibot';

const Snippets = v.record(v.string(), v.object({
  prefix: v.union([v.string(), v.array(v.string())]),
  body: v.union([v.string(), v.array(v.string())]),
  description: v.optional(v.string(), ''),
}));
const FILES: Record<string, string> = { c: 'c.json', cpp: 'cpp.json', rust: 'rust.json' };

/** `name`: insert that snippet without asking (key bindings, tests). */
export async function insertSnippet(extension: vscode.Uri, name?: unknown): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const file = editor && FILES[editor.document.languageId];
  if (!editor || !file) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Open a C, C++ or Rust file to insert a Ringlight snippet.'));
    return;
  }
  const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, 'snippets', file));
  const snippets = v.parse(Snippets, JSON.parse(Buffer.from(bytes).toString('utf8')));
  const items = Object.entries(snippets).map(([label, s]) => ({
    label, description: [s.prefix].flat().join(', '), detail: s.description, body: [s.body].flat().join('\n'),
  }));
  const chosen = typeof name === 'string'
    ? items.find((i) => i.label === name || i.description === name)
    : await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Insert an asynchronous I/O snippet'), matchOnDescription: true, matchOnDetail: true });
  if (chosen) await editor.insertSnippet(new vscode.SnippetString(chosen.body));
}
