import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from './support/wait';
import c from '../../snippets/c.json';
import rust from '../../snippets/rust.json';

const CASES = [
  { language: 'c', what: 'libaio', snippets: c, prefix: /^rl-aio/, text: /io_submit/ },
  { language: 'c', what: 'liburing', snippets: c, prefix: /^rl-uring/, text: /io_uring_/ },
  { language: 'rust', what: 'tokio-uring', snippets: rust, prefix: /^rl-tokio/, text: /tokio_uring/ },
];

suite('snippets', () => {
  teardown(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));

  for (const { language, what, snippets, prefix, text } of CASES) {
    const entry = () => {
      const found = Object.entries(snippets).find(([, s]) => prefix.test(s.prefix));
      assert.ok(found, `a snippet for ${what}`);
      return { name: found[0], prefix: found[1].prefix };
    };

    test(`${what}: the command inserts it`, async () => {
      const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language, content: '' }));
      await vscode.commands.executeCommand('ringlight.insertSnippet', entry().name);
      await until('the text', () => text.test(editor.document.getText()));
    });

    test(`${what}: completion offers it`, async () => {
      const document = await vscode.workspace.openTextDocument({ language, content: entry().prefix });
      await vscode.window.showTextDocument(document);
      const end = document.positionAt(document.getText().length);
      await until('the completion', async () => {
        const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', document.uri, end);
        return list.items.some((i) => i.kind === vscode.CompletionItemKind.Snippet
          && (typeof i.label === 'string' ? i.label : i.label.label) === entry().prefix);
      });
    });
  }
});
