/** Asks where to, then saves; says where it went or why it did not. */
import * as vscode from 'vscode';
import * as path from 'node:path';
import { RECORDING_SUFFIX } from '../ids';
import type { RecordingClient } from './recording-client';

export async function saveRecording(recording: RecordingClient, near?: vscode.Uri): Promise<void> {
  const folder = near ? vscode.Uri.joinPath(near, '..') : vscode.workspace.workspaceFolders?.[0]?.uri;
  const stamp = new Date().toISOString().slice(0, 19).replace(/:/g, '-');
  const to = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Save recording'),
    filters: { [vscode.l10n.t('Ringlight recording')]: [RECORDING_SUFFIX.slice(1)] },
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, `trace-${stamp}${RECORDING_SUFFIX}`) } : {}),
  });
  if (!to) return;
  try {
    await recording.save(to);
  } catch (error) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The recording was not saved: {0}', error instanceof Error ? error.message : String(error)));
    return;
  }
  const open = vscode.l10n.t('Open');
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('Saved {0}', path.basename(to.fsPath)), open);
  if (answer === open) await vscode.commands.executeCommand('vscode.open', to);
}
