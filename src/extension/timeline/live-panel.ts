/** The panel of a recording that runs, or ran, in this window. */
import * as vscode from 'vscode';
import type { RecordingClient } from '../recording/recording-client';
import { Views } from '../ids';
import { linkPage, type PageActions } from './page-link';
import { webviewOptions } from './page-html';

export function openLivePanel(extension: vscode.Uri, title: string, recording: RecordingClient, actions: PageActions): vscode.WebviewPanel {
  const panel = vscode.window.createWebviewPanel(
    Views.LiveTimeline, title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, webviewOptions(extension),
  );
  const link = linkPage(extension, panel, recording, actions);
  panel.onDidDispose(() => link.dispose());
  return panel;
}
