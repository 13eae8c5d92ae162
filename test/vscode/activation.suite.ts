import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { open, until } from './support/wait';

suite('activation', () => {
  const extension = () => {
    const found = vscode.extensions.getExtension('ringlight.ringlight');
    assert.ok(found, 'the extension is installed');
    return found;
  };

  // First: the other suites open the languages that start it.
  test('a Markdown file does not start it, a C file does', async () => {
    await open('README.md');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(extension().isActive, false);
    await open('libaio', 'copy.c');
    await until('activation', () => extension().isActive);
  });

  test('every command of the manifest is there', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const { contributes } = extension().packageJSON as { contributes: { commands: { command: string }[] } };
    for (const { command } of contributes.commands) assert.ok(known.has(command), command);
  });
});
