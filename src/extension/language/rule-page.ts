/** Opens a rule's bundled page, rendered; works without the internet. */
import * as vscode from 'vscode';

/** `id` comes from a link or another extension: anything but a rule's id is refused. */
export async function openRulePage(extension: vscode.Uri, id: unknown): Promise<void> {
  if (typeof id !== 'string' || !/^[a-z0-9-]+$/.test(id)) return;
  const page = vscode.Uri.joinPath(extension, 'docs', 'rules', `${id}.md`);
  try {
    await vscode.workspace.fs.stat(page);
  } catch {
    void vscode.window.showWarningMessage(vscode.l10n.t('Ringlight has no page for the rule “{0}”.', id));
    return;
  }
  await vscode.commands.executeCommand('markdown.showPreview', page);
}
