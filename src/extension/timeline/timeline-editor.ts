/** A saved recording as a read-only custom editor: double-click on a .ringtrace file. */
import * as vscode from 'vscode';
import { Views } from '../ids';
import type { Log } from '../log';
import { RecordingClient } from '../recording/recording-client';
import { saveRecording } from '../recording/save-recording';
import { linkPage } from './page-link';

class RecordingDocument implements vscode.CustomDocument {
  constructor(readonly uri: vscode.Uri, readonly recording: RecordingClient) {}
  dispose(): void { this.recording.dispose(); }
}

export class TimelineEditor implements vscode.CustomReadonlyEditorProvider<RecordingDocument> {
  private constructor(private readonly context: vscode.ExtensionContext, private readonly log: Log) {}

  static register(context: vscode.ExtensionContext, log: Log): vscode.Disposable {
    return vscode.window.registerCustomEditorProvider(Views.Timeline, new TimelineEditor(context, log), { supportsMultipleEditorsPerDocument: true });
  }

  openCustomDocument(uri: vscode.Uri): RecordingDocument {
    if (uri.scheme !== 'file') throw new Error(vscode.l10n.t('Ringlight reads recordings from this machine’s disk only; copy the file here first.'));
    const recording = new RecordingClient(this.context.extensionUri, this.log);
    recording.open(uri.fsPath);
    return new RecordingDocument(uri, recording);
  }

  resolveCustomEditor(document: RecordingDocument, panel: vscode.WebviewPanel): void {
    const link = linkPage(this.context.extensionUri, panel, document.recording, {
      stop: () => Promise.resolve(),
      save: () => saveRecording(document.recording, document.uri),
    });
    panel.onDidDispose(() => link.dispose());
  }
}
