/** Joins one webview with one recording: requests go to the recording's worker, answers come back. */
import * as vscode from 'vscode';
import type { FromPage } from '../../protocol/page';
import type { RecordingClient } from '../recording/recording-client';
import { Commands } from '../ids';
import { pageHtml, webviewOptions } from './page-html';

export interface PageActions {
  stop(): Promise<void>;
  save(): Promise<void>;
}

/** A hidden page keeps no script running, so answers are only sent while it is visible; it asks anew when shown. */
export function linkPage(extension: vscode.Uri, panel: vscode.WebviewPanel, recording: RecordingClient, actions: PageActions): vscode.Disposable {
  const { webview } = panel;
  webview.options = webviewOptions(extension);
  const subscriptions = [
    webview.onDidReceiveMessage((message: FromPage) => {
      if (message.kind === 'command') void runPageCommand(message.command, actions);
      else recording.fromPage(message);
    }),
    recording.onPage((message) => { if (panel.visible) void webview.postMessage(message); }),
  ];
  webview.html = pageHtml(extension, webview);
  return vscode.Disposable.from(...subscriptions);
}

async function runPageCommand(command: 'stop' | 'save' | 'showLog' | 'doctor', actions: PageActions): Promise<void> {
  switch (command) {
    case 'stop': return actions.stop();
    case 'save': return actions.save();
    case 'showLog': return void vscode.commands.executeCommand(Commands.ShowLog);
    case 'doctor': return void vscode.commands.executeCommand(Commands.Doctor);
  }
}
