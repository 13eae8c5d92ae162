/** The status bar item while recording: how much, what was lost, click to stop. */
import * as vscode from 'vscode';
import type { RecordingStatus } from '../../protocol/page';
import { Commands } from '../ids';

export class TraceStatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('ringlight.tracing', vscode.StatusBarAlignment.Left, 10);

  constructor() {
    this.item.name = 'Ringlight tracing';
    this.item.command = Commands.StopTrace;
  }

  show(status: RecordingStatus, running: number): void {
    if (running === 0 || (status.state !== 'recording' && status.state !== 'connecting')) return;
    const lost = status.lost.kernel + status.lost.stream;
    this.item.text = `$(record) ${status.where}: ${vscode.l10n.t('{0} ops/s', Math.round(status.spansPerSecond).toLocaleString())}`
      + (lost > 0 ? ` $(warning) ${vscode.l10n.t('{0} lost', lost.toLocaleString())}` : '');
    this.item.tooltip = vscode.l10n.t('Ringlight records {0}. Click to stop.', status.what);
    this.item.backgroundColor = lost > 0 ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.show();
  }

  hide(): void { this.item.hide(); }
  dispose(): void { this.item.dispose(); }
}
