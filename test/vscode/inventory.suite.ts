import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ScanResult } from '../../src/protocol/lsp';
import { findings, open, ruleOf, until, workspaceFile } from './support/wait';

/** What the view lists, as its own command copies it. */
async function listed(): Promise<string> {
  await vscode.commands.executeCommand('ringlight.inventory.copy');
  return vscode.env.clipboard.readText();
}
const SUBMIT = '#include <liburing.h>\nint flush_all(struct io_uring *ring)\n{\n\treturn io_uring_submit(ring);\n}\n';

suite('inventory and scan', () => {
  const added = () => workspaceFile('liburing', 'added.c');
  teardown(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.workspace.fs.delete(added(), { useTrash: false }).then(undefined, () => undefined);
  });

  test('the view lists families, files, functions and calls', async () => {
    await open('libaio', 'copy.c');
    await vscode.commands.executeCommand('ringlight.inventory.focus');
    const text = await until('the list', async () => {
      const now = await listed();
      return /^libaio {2}/m.test(now) && now;
    });
    assert.match(text, /^liburing {2}\d+ calls in \d+ files? · io_uring$/m);
    assert.match(text, /^libaio {2}\d+ calls in 1 file · libaio: asynchronous with O_DIRECT$/m);
    assert.match(text, /^tokio-uring {2}/m);
    assert.match(text, /^ {2}libaio\/copy\.c {2}\d+ calls$/m);
    assert.match(text, /^ {4}\w+ {2}\d+ calls?\n(?: {6}.*\n)* {6}io_submit {2}line \d+$/m);
  });

  test('it follows files as they come, change and go', async () => {
    await vscode.commands.executeCommand('ringlight.inventory.focus');
    await vscode.workspace.fs.writeFile(added(), Buffer.from(SUBMIT));
    await until('the new file', async () => (await listed()).includes('liburing/added.c  1 call\n    flush_all  1 call'));
    await vscode.workspace.fs.writeFile(added(), Buffer.from(SUBMIT.replace('return', 'io_uring_submit(ring);\n\treturn')));
    await until('the changed file', async () => (await listed()).includes('liburing/added.c  2 calls'));
    await vscode.workspace.fs.delete(added(), { useTrash: false });
    await until('the file to go', async () => !(await listed()).includes('added.c'));
  });

  test('it follows what is typed and not saved', async () => {
    await vscode.commands.executeCommand('ringlight.inventory.focus');
    const before = await until('the file', async () => /libaio\/copy\.c {2}(\d+) calls/.exec(await listed()) ?? false);
    const editor = await open('libaio', 'copy.c');
    await editor.edit((edit) => edit.insert(new vscode.Position(editor.document.lineCount, 0), '\nvoid more(io_context_t ctx) { io_destroy(ctx); }\n'));
    await until('one call more', async () => (await listed()).includes(`libaio/copy.c  ${Number(before[1]) + 1} calls`));
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  test('it is filtered by family', async () => {
    await vscode.commands.executeCommand('ringlight.inventory.filter', ['libaio']);
    const only = await listed();
    assert.match(only, /^libaio/);
    assert.doesNotMatch(only, /^liburing/m);
    await vscode.commands.executeCommand('ringlight.inventory.filter', []);
    assert.match(await listed(), /^liburing/m);
    await vscode.commands.executeCommand('ringlight.inventory.collapse');
    await vscode.commands.executeCommand('ringlight.inventory.refresh');
    assert.match(await listed(), /^liburing/m);
  });

  test('a scan lists the findings of files that are not open', async () => {
    await vscode.workspace.fs.writeFile(added(), Buffer.from(SUBMIT.replace('return io_uring_submit(ring);', 'io_uring_submit(ring); return 0;')));
    const result = await vscode.commands.executeCommand<ScanResult>('ringlight.scanWorkspace');
    assert.ok(result.using >= 3 && result.files >= result.using && result.findings > 0, JSON.stringify(result));
    const rules = (uri: vscode.Uri) => vscode.languages.getDiagnostics(uri).filter((d) => d.source === 'ringlight').map(ruleOf);
    await until('findings of closed files', () => rules(added()).includes('uring-submit-result-ignored') && rules(workspaceFile('liburing', 'checksum.c')).includes('uring-null-sqe'));
    const { document } = await open('liburing', 'added.c');
    await until('the same, once, when it is open', () => findings(document).map(ruleOf).join() === 'uring-submit-result-ignored');
  });

  test('a file that lies on no disk is analysed', async () => {
    const text = Buffer.from(SUBMIT.replace('return io_uring_submit(ring);', 'io_uring_submit(ring); return 0;'));
    const nothing = (): never => { throw vscode.FileSystemError.NoPermissions(); };
    const provider = vscode.workspace.registerFileSystemProvider('ringmem', {
      onDidChangeFile: new vscode.EventEmitter<vscode.FileChangeEvent[]>().event, watch: () => new vscode.Disposable(() => undefined),
      stat: () => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: text.length }), readFile: () => text, readDirectory: () => [],
      createDirectory: nothing, writeFile: nothing, delete: nothing, rename: nothing,
    }, { isReadonly: true });
    try {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse('ringmem://box/flush.c'));
      await vscode.window.showTextDocument(document);
      await until('its finding', () => findings(document).map(ruleOf).includes('uring-submit-result-ignored'));
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      provider.dispose();
    }
  });

  test('rule ids are completed in a comment that silences', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'c', content: '// ringlight-disable-next-line ' });
    await vscode.window.showTextDocument(document);
    await until('the ids', async () => {
      const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', document.uri, document.positionAt(document.getText().length));
      return list.items.some((i) => i.label === 'uring-null-sqe');
    });
  });
});
