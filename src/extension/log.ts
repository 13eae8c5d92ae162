/** The output channel, made when the first line is written, so that nobody sees an empty one. */
import * as vscode from 'vscode';

export class Log implements vscode.Disposable {
  private channel: vscode.LogOutputChannel | undefined;

  private get lines(): vscode.LogOutputChannel {
    return (this.channel ??= vscode.window.createOutputChannel('Ringlight', { log: true }));
  }
  info(text: string): void { this.lines.info(text); }
  warning(text: string): void { this.lines.warn(text); }
  error(text: string): void { this.lines.error(text); }
  write(level: 'info' | 'warning' | 'error', text: string): void { this[level](text); }
  show(): void { this.lines.show(true); }
  /** for the language client, which wants the channel itself */
  get output(): vscode.LogOutputChannel { return this.lines; }
  dispose(): void { this.channel?.dispose(); }
}
