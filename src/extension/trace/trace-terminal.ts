/** A terminal that runs a command under the tracer and shows what it prints. Closing it, or Ctrl-C, stops the trace. */
import * as vscode from 'vscode';
import type { TraceRequest } from '../../protocol/launch';
import type { TraceSession, TraceSessions } from './sessions';

export class TraceTerminal implements vscode.Pseudoterminal {
  private readonly writes = new vscode.EventEmitter<string>();
  private readonly closes = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.writes.event;
  readonly onDidClose = this.closes.event;
  private session: TraceSession | undefined;

  /** `atEnd`: a task's terminal is kept by the editor, one of our own has to stay open to be read */
  constructor(private readonly sessions: TraceSessions, private readonly request: TraceRequest, private readonly atEnd: 'close' | 'stay') {}

  open(): void { void this.run(); }
  close(): void { void this.session?.stop(); }
  handleInput(data: string): void { if (data === '\x03') void this.session?.stop(); }

  private async run(): Promise<void> {
    if (this.request.target.kind === 'command') this.print(`> ${this.request.target.argv.join(' ')}\n`);
    try {
      this.session = await this.sessions.start(this.request, (text) => this.print(text));
      const failure = await this.session.ended();
      this.end(failure ? `${failure.message} ${failure.hint}` : vscode.l10n.t('Recorded {0} operations.', (this.session.status()?.spans ?? 0).toLocaleString()), failure ? 1 : 0);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error), 1);
    }
  }

  private end(words: string, status: number): void {
    this.print(`\n${words}\n`);
    if (this.atEnd === 'close') this.closes.fire(status);
  }

  private print(text: string): void { this.writes.fire(text.replace(/\r?\n/g, '\r\n')); }
}
