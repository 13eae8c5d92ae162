/** The host's end of a recording's worker thread: typed messages in, events out. */
import * as vscode from 'vscode';
import { Worker } from 'node:worker_threads';
import type { LaunchFailure, TraceRequest } from '../../protocol/launch';
import type { DrawnReport, FromPage, RecordingStatus, ToPage } from '../../protocol/page';
import type { FromRecording, ToRecording } from '../../protocol/recording';
import { askUser } from '../ask';
import type { Log } from '../log';

export class RecordingClient implements vscode.Disposable {
  private readonly worker: Worker;
  private readonly pageMessages = new vscode.EventEmitter<ToPage>();
  private readonly statusChanges = new vscode.EventEmitter<RecordingStatus>();
  private readonly outputs = new vscode.EventEmitter<string>();
  private readonly failures = new vscode.EventEmitter<LaunchFailure>();
  private readonly saves = new Map<number, (problem: string | undefined) => void>();
  private nextSave = 1;
  readonly onPage = this.pageMessages.event;
  readonly onStatus = this.statusChanges.event;
  /** what the traced command printed */
  readonly onOutput = this.outputs.event;
  readonly onFailed = this.failures.event;
  status: RecordingStatus | undefined;
  failure: LaunchFailure | undefined;
  drawn: DrawnReport | undefined;

  constructor(private readonly extension: vscode.Uri, private readonly log: Log) {
    this.worker = new Worker(vscode.Uri.joinPath(extension, 'dist', 'recording-worker.js').fsPath);
    this.worker.on('message', (message: FromRecording) => this.receive(message));
    this.worker.on('error', (error) => this.fail({
      code: 'bad-stream', message: vscode.l10n.t('The recording stopped: {0}', error.message),
      hint: vscode.l10n.t('What was recorded so far is kept; open it with “Ringlight: Open Recent Recording…”.'),
    }));
  }

  start(request: TraceRequest, spool: string, sshConfig: string | undefined): void {
    const dist = vscode.Uri.joinPath(this.extension, 'dist');
    this.send({
      kind: 'start', request, spool,
      loaders: vscode.Uri.joinPath(dist, 'loader').fsPath, askpass: vscode.Uri.joinPath(dist, 'askpass.js').fsPath,
      ...(sshConfig ? { sshConfig } : {}),
    });
  }

  open(file: string): void { this.send({ kind: 'open', file }); }

  /** resolves when the recording has ended */
  async stop(): Promise<void> {
    const ended = this.whenEnded();
    this.send({ kind: 'stop' });
    await ended;
  }

  whenEnded(): Promise<void> {
    const over = (): boolean => this.status?.state === 'ended' || this.status?.state === 'failed' || this.failure !== undefined;
    if (over()) return Promise.resolve();
    return new Promise((resolve) => {
      const subscriptions = [this.onStatus(check), this.onFailed(check)];
      function check(): void {
        if (!over()) return;
        for (const s of subscriptions) s.dispose();
        resolve();
      }
    });
  }

  /** rejects with what went wrong; the recording is kept either way */
  save(to: vscode.Uri): Promise<void> {
    const id = this.nextSave++;
    return new Promise((resolve, reject) => {
      this.saves.set(id, (problem) => (problem === undefined ? resolve() : reject(new Error(problem))));
      this.send({ kind: 'save', id, to: to.fsPath });
    });
  }

  fromPage(message: FromPage): void {
    if (message.kind === 'drawn') this.drawn = message.report;
    else if (message.kind === 'error') this.log.error(`timeline: ${message.message}`);
    else this.send({ kind: 'page', message });
  }

  private receive(message: FromRecording): void {
    switch (message.kind) {
      case 'page': this.pageMessages.fire(message.message); break;
      case 'status': this.status = message.status; this.statusChanges.fire(message.status); break;
      case 'output': this.outputs.fire(message.text); break;
      case 'log': this.log.write(message.level, message.text); break;
      case 'ask': void this.ask(message.id, message.prompt, message.secret); break;
      case 'saved': this.saves.get(message.id)?.(message.problem); this.saves.delete(message.id); break;
      case 'failed': this.fail(message.failure); break;
    }
  }

  private fail(failure: LaunchFailure): void {
    this.failure = failure;
    this.log.error(`${failure.code}: ${failure.message}${failure.detail ? `\n${failure.detail}` : ''}`);
    this.failures.fire(failure);
  }

  private async ask(id: number, prompt: string, secret: boolean): Promise<void> {
    const answer = await askUser(prompt, secret);
    this.send({ kind: 'answer', id, ...(answer === undefined ? {} : { secret: answer }) });
  }

  private send(message: ToRecording): void { this.worker.postMessage(message); }

  dispose(): void {
    this.send({ kind: 'dispose' });
    // the worker ends itself once the loader is gone; this is for one that can't
    const grace = setTimeout(() => void this.worker.terminate(), 5_000);
    this.worker.once('exit', () => clearTimeout(grace));
    for (const emitter of [this.pageMessages, this.statusChanges, this.outputs, this.failures]) emitter.dispose();
  }
}
