/** “Scan Workspace”: every file is looked at, its findings are listed under Problems. */
import * as vscode from 'vscode';
import type { ScanResult } from '../../protocol/lsp';
import type { LanguageFeature } from './client';

/** undefined: cancelled, or there is nothing to scan. */
export async function scanWorkspace(language: LanguageFeature): Promise<ScanResult | undefined> {
  if (!vscode.workspace.workspaceFolders?.length) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Ringlight scans the folders of a workspace: open one first.'));
    return undefined;
  }
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, cancellable: true, title: vscode.l10n.t('Ringlight: looking at the workspace') }, async (progress, token) => {
    let reached = 0;
    try {
      const result = await language.scan(token, ({ percentage = 0, message }) => {
        progress.report({ increment: Math.max(0, percentage - reached), ...(message === undefined ? {} : { message }) });
        reached = Math.max(reached, percentage);
      });
      const text = vscode.l10n.t('Ringlight: {0} findings in {1} files that use asynchronous I/O, of {2} files, in {3} s', result.findings, result.using, result.files, (result.milliseconds / 1000).toFixed(1));
      vscode.window.setStatusBarMessage(text, 15_000);
      if (result.findings) void vscode.commands.executeCommand('workbench.actions.view.problems');
      return result;
    } catch (error) {
      if (token.isCancellationRequested) return undefined;
      void vscode.window.showErrorMessage(vscode.l10n.t('The workspace could not be scanned: {0}', error instanceof Error ? error.message : String(error)));
      return undefined;
    }
  });
}
