import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { finding, findings, open, ruleOf, until } from './support/wait';

/** Quick fixes offered at a place; the ones of this command carry no diagnostics, so they are told apart by their titles. */
function quickFixes(document: vscode.TextDocument, range: vscode.Range): Thenable<vscode.CodeAction[]> {
  return vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, range, vscode.CodeActionKind.QuickFix.value);
}

suite('diagnostics', () => {
  teardown(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));

  test('a buffered libaio submit is underlined, explained and linked', async () => {
    const { document } = await open('libaio', 'copy.c');
    const found = await finding(document, 'aio-buffered-io');
    assert.match(document.lineAt(found.range.start.line).text, /io_submit/);
    assert.equal(found.severity, vscode.DiagnosticSeverity.Warning);
    const related = (found.relatedInformation ?? []).map((r) => document.lineAt(r.location.range.start.line).text);
    assert.ok(related.some((line) => /open\(/.test(line)), `the open is a related location: ${related.join(' | ')}`);
    assert.ok(typeof found.code === 'object');
    assert.match(found.code.target.path, /docs\/rules\/aio-buffered-io\.md$/);
    await vscode.workspace.fs.stat(found.code.target);
  });

  test('its quick fix removes the finding and brings no other', async () => {
    const { document } = await open('libaio', 'copy.c');
    const found = await finding(document, 'aio-buffered-io');
    const before = new Set(findings(document).map(ruleOf));
    const fix = (await quickFixes(document, found.range)).find((a) => a.title.includes('O_DIRECT'));
    assert.ok(fix?.edit, 'a quick fix with an edit');
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    assert.match(document.getText(), /O_DIRECT/);
    await until('the finding to go', () => !findings(document).some((d) => ruleOf(d) === 'aio-buffered-io'));
    const warned = findings(document).filter((d) => d.severity <= vscode.DiagnosticSeverity.Warning);
    for (const rule of warned.map(ruleOf)) assert.ok(before.has(rule), `${rule} is new`);
  });

  test('a comment silences it', async () => {
    const editor = await open('libaio', 'copy.c');
    const found = await finding(editor.document, 'aio-buffered-io');
    const count = () => findings(editor.document).filter((d) => ruleOf(d) === 'aio-buffered-io').length;
    const before = count();
    await editor.edit((edit) => edit.insert(new vscode.Position(found.range.start.line, 0), '// ringlight-disable-next-line aio-buffered-io -- on purpose\n'));
    await until('the finding to go', () => count() === before - 1);
  });

  test('liburing: an sqe used unchecked', async () => {
    const { document } = await open('liburing', 'checksum.c');
    await finding(document, 'uring-null-sqe');
  });

  test('tokio-uring: a write that is never submitted', async () => {
    const { document } = await open('tokio-uring', 'src', 'main.rs');
    const found = await finding(document, 'rust-uring-unsubmitted-write');
    assert.equal(found.severity, vscode.DiagnosticSeverity.Error);
    assert.match(document.lineAt(found.range.start.line).text, /write_at/);
  });

  test('hovering a call explains it', async () => {
    const { document } = await open('libaio', 'copy.c');
    await finding(document, 'aio-buffered-io');
    const at = document.positionAt(document.getText().indexOf('io_submit(ctx') + 2);
    const text = await until('a hover', async () => {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at);
      const joined = hovers.flatMap((h) => h.contents).map((c) => (typeof c === 'string' ? c : c.value)).join('\n');
      return /O_DIRECT/.test(joined) && joined;
    });
    assert.match(text, /io_submit/);
  });

  test('a severity override is obeyed at once', async () => {
    const { document } = await open('libaio', 'copy.c');
    await finding(document, 'aio-buffered-io');
    const settings = vscode.workspace.getConfiguration();
    await settings.update('ringlight.rules.severities', { 'aio-buffered-io': 'off' }, vscode.ConfigurationTarget.Workspace);
    try {
      await until('the finding to go', () => !findings(document).some((d) => ruleOf(d) === 'aio-buffered-io'));
    } finally {
      await settings.update('ringlight.rules.severities', undefined, vscode.ConfigurationTarget.Workspace);
    }
    await finding(document, 'aio-buffered-io');
  });
});
