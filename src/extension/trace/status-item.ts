/** The status bar item while recording: how much, what was lost, whether all of it, what hangs; click to stop. */
import * as vscode from 'vscode';
import { modeWords } from '../../protocol/mode-words';
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
    const mode = modeWords(status.mode, status.every);
    const alarm = (text: string): string => ` $(warning) ${text}`;
    this.item.text = `$(record) ${status.where}: ${vscode.l10n.t('{0} ops/s', Math.round(status.spansPerSecond).toLocaleString())}`
      + (mode ? (status.steppedDown ? alarm(mode) : ` · ${mode}`) : '')
      + (status.pending > 0 ? alarm(vscode.l10n.t('{0} in flight for long', status.pending.toLocaleString())) : '')
      + (lost > 0 ? alarm(vscode.l10n.t('{0} lost', lost.toLocaleString())) : '');
    this.item.tooltip = [
      vscode.l10n.t('Ringlight records {0}. Click to stop.', status.what),
      ...(status.steppedDown ? [vscode.l10n.t('{0}: the machine cannot keep up with every operation. Counts are exact all the same.', mode)] : []),
      ...(status.refused > 0 ? [vscode.l10n.t('Asynchronous I/O was refused to a program; the table of the timeline says why.')] : []),
    ].join('\n');
    this.item.backgroundColor = lost > 0 || status.steppedDown ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.show();
  }

  hide(): void { this.item.hide(); }
  dispose(): void { this.item.dispose(); }
}
