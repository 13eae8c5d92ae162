/** The recordings of this window: started, shown, stopped, kept. */
import * as vscode from 'vscode';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { LaunchFailure, TraceRequest } from '../../protocol/launch';
import type { RinglightTrace } from '../api';
import { traceSettings } from '../config';
import { Commands, ContextKeys, RECORDING_SUFFIX } from '../ids';
import type { Log } from '../log';
import { RecordingClient } from '../recording/recording-client';
import { saveRecording } from '../recording/save-recording';
import { openLivePanel } from '../timeline/live-panel';
import { describeTarget } from './describe-target';
import { TraceStatusItem } from './status-item';

/** Recordings that were not saved are kept this many deep, so that closing a panel loses nothing. */
const KEPT_RECORDINGS = 10;

export class TraceSession implements RinglightTrace {
  constructor(readonly recording: RecordingClient, readonly spool: string) {}
  status() { return this.recording.status; }
  drawn() { return this.recording.drawn; }
  stop(): Promise<void> { return this.recording.stop(); }
  async ended(): Promise<LaunchFailure | undefined> {
    await this.recording.whenEnded();
    return this.recording.failure;
  }
  saveAs(file: vscode.Uri): Promise<void> { return this.recording.save(file); }
}

export class TraceSessions implements vscode.Disposable {
  private readonly running = new Set<TraceSession>();
  private readonly all = new Set<TraceSession>();
  private latest: TraceSession | undefined;
  private readonly statusItem = new TraceStatusItem();

  constructor(private readonly context: vscode.ExtensionContext, private readonly log: Log) {}

  private get folder(): string { return path.join(this.context.globalStorageUri.fsPath, 'recordings'); }

  /**
   * Resolves once spans can flow or never will; what went wrong is told to the user and is what `ended` gives.
   * `onOutput` gets what the traced command prints, from its first word on.
   */
  async start(request: TraceRequest, onOutput: (text: string) => void = () => undefined): Promise<TraceSession> {
    if (!vscode.workspace.isTrusted) throw new Error(vscode.l10n.t('Tracing runs programs, so it is off until you trust this workspace.'));
    await this.forgetOldRecordings();
    const { sshConfig, ...defaults } = traceSettings();
    const full: TraceRequest = { ...defaults, ...request };
    const title = describeTarget(full);
    const spool = path.join(this.folder, `${new Date().toISOString().replace(/[:.]/g, '-')}${RECORDING_SUFFIX}`);
    const recording = new RecordingClient(this.context.extensionUri, this.log);
    const session = new TraceSession(recording, spool);
    this.latest = session;
    this.all.add(session);
    this.setRunning(session, true);

    const panel = openLivePanel(this.context.extensionUri, title, recording, {
      stop: () => session.stop(), save: () => saveRecording(recording),
    });
    panel.onDidDispose(() => void this.panelClosed(session));
    recording.onOutput(onOutput);
    recording.onStatus((status) => this.statusItem.show(status, this.running.size));
    void session.ended().then(() => this.setRunning(session, false));

    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Ringlight: tracing {0}', title), cancellable: true },
      async (progress, cancel) => {
        cancel.onCancellationRequested(() => void session.stop());
        recording.start(full, spool, sshConfig);
        await firstState(recording, (phase) => progress.report({ message: phase }));
      },
    );
    void session.ended().then((failure) => failure && this.explain(failure));
    return session;
  }

  async stopAll(): Promise<void> { await Promise.all([...this.running].map((s) => s.stop())); }

  async saveLatest(): Promise<void> {
    if (this.latest) await saveRecording(this.latest.recording);
    else void vscode.window.showInformationMessage(vscode.l10n.t('There is no recording to save yet: run “Ringlight: Trace…” first.'));
  }

  /** newest first */
  async recent(): Promise<string[]> {
    const names = await fs.readdir(this.folder).catch(() => []);
    return names.filter((n) => n.endsWith(RECORDING_SUFFIX)).sort().reverse().map((n) => path.join(this.folder, n));
  }

  private async forgetOldRecordings(): Promise<void> {
    await fs.mkdir(this.folder, { recursive: true, mode: 0o700 });
    const inUse = new Set([...this.all].map((s) => s.spool));
    const old = (await this.recent()).filter((file) => !inUse.has(file)).slice(KEPT_RECORDINGS);
    await Promise.all(old.map((file) => fs.rm(file, { force: true })));
  }

  private async panelClosed(session: TraceSession): Promise<void> {
    await session.stop();
    this.all.delete(session);
    if (this.latest === session) this.latest = undefined;
    session.recording.dispose();
  }

  private setRunning(session: TraceSession, running: boolean): void {
    if (running) this.running.add(session);
    else this.running.delete(session);
    if (this.running.size === 0) this.statusItem.hide();
    void vscode.commands.executeCommand('setContext', ContextKeys.Tracing, this.running.size > 0);
  }

  /** A notification in reply to what the user started: what happened, what to do next. */
  private async explain(failure: LaunchFailure): Promise<void> {
    if (failure.code === 'cancelled') return;
    const log = vscode.l10n.t('Show Log');
    const doctor = vscode.l10n.t('What Is Missing?');
    const answer = await vscode.window.showErrorMessage(`${failure.message} ${failure.hint}`, doctor, log);
    if (answer === log) this.log.show();
    if (answer === doctor) await vscode.commands.executeCommand(Commands.Doctor);
  }

  dispose(): void {
    for (const session of this.all) session.recording.dispose();
    this.statusItem.dispose();
  }
}

/** Waits for the first state after connecting, passing on what is being done until then. */
function firstState(recording: RecordingClient, phase: (text: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const subscriptions = [
      recording.onStatus((status) => {
        if (status.state === 'connecting') phase(status.what);
        else done();
      }),
      recording.onFailed(done),
    ];
    function done(): void {
      for (const s of subscriptions) s.dispose();
      resolve();
    }
  });
}
