/** The tracing commands. */
import * as vscode from 'vscode';
import * as path from 'node:path';
import { LaunchError, runDoctor } from '../../launch';
import type { DoctorReport } from '../../protocol/launch';
import { askUser } from '../ask';
import { traceSettings } from '../config';
import { Commands } from '../ids';
import type { Log } from '../log';
import { chooseHost } from './choose-host';
import { chooseTarget } from './choose-target';
import type { DebugTargets } from './debug-targets';
import { describeTarget } from './describe-target';
import type { TraceSessions } from './sessions';
import { TraceTerminal } from './trace-terminal';

export function registerTraceCommands(context: vscode.ExtensionContext, sessions: TraceSessions, debugTargets: DebugTargets, log: Log): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(Commands.Trace, () => trace(context, sessions, debugTargets)),
    vscode.commands.registerCommand(Commands.StopTrace, () => sessions.stopAll()),
    vscode.commands.registerCommand(Commands.SaveRecording, () => sessions.saveLatest()),
    vscode.commands.registerCommand(Commands.OpenRecent, () => openRecent(sessions)),
    vscode.commands.registerCommand(Commands.Doctor, () => doctor(context, log)),
  );
}

async function trace(context: vscode.ExtensionContext, sessions: TraceSessions, debugTargets: DebugTargets): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    const manage = vscode.l10n.t('Manage Trust');
    const answer = await vscode.window.showWarningMessage(vscode.l10n.t('Tracing runs programs, so it is off until you trust this workspace.'), manage);
    if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
    return;
  }
  const choice = await chooseTarget(context, debugTargets);
  if (choice?.kind === 'task') await vscode.tasks.executeTask(choice.task);
  else if (choice?.request.target.kind === 'command') {
    const pty = new TraceTerminal(sessions, choice.request, 'stay');
    vscode.window.createTerminal({ name: describeTarget(choice.request), iconPath: new vscode.ThemeIcon('record'), pty }).show(true);
  } else if (choice) await sessions.start(choice.request);
}

async function openRecent(sessions: TraceSessions): Promise<void> {
  const files = await sessions.recent();
  if (files.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no recording yet: run “Ringlight: Trace…” first.'));
    return;
  }
  const chosen = await vscode.window.showQuickPick(files.map((file) => ({ label: path.basename(file), file })), { title: vscode.l10n.t('Open a recent recording') });
  if (chosen) await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(chosen.file));
}

/** What can be traced there, what is missing, and the one thing to do about each. */
async function doctor(context: vscode.ExtensionContext, log: Log): Promise<void> {
  if (!vscode.workspace.isTrusted) return;
  const host = await chooseHost(context, vscode.l10n.t('Ringlight: check which machine?'));
  if (host === undefined) return;
  const { sshConfig } = traceSettings();
  const dist = vscode.Uri.joinPath(context.extensionUri, 'dist');
  try {
    const report = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Ringlight: looking at {0}', host || vscode.l10n.t('this machine')), cancellable: true },
      (progress, cancel) => {
        const abort = new AbortController();
        cancel.onCancellationRequested(() => abort.abort());
        return runDoctor(host || undefined, {
          loaders: vscode.Uri.joinPath(dist, 'loader').fsPath, askpass: vscode.Uri.joinPath(dist, 'askpass.js').fsPath,
          ask: askUser, signal: abort.signal,
          onLog: (level, text) => log.write(level, text), onPhase: (message) => progress.report({ message }),
          ...(sshConfig ? { sshConfig } : {}),
        });
      },
    );
    const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: doctorText(report) });
    await vscode.window.showTextDocument(document, { preview: true });
  } catch (error) {
    if (error instanceof LaunchError && error.failure.code === 'cancelled') return;
    const words = error instanceof LaunchError ? `${error.failure.message} ${error.failure.hint}` : String(error);
    log.error(`doctor: ${words}`);
    void vscode.window.showErrorMessage(words);
  }
}

function doctorText(report: DoctorReport): string {
  const mark = { ok: '✓', warning: '!', missing: '✗' } as const;
  const verdict = report.canTrace ? vscode.l10n.t('Ringlight can trace here.') : vscode.l10n.t('Ringlight cannot trace here yet.');
  const lines = report.checks.map((c) => `- ${mark[c.state]} **${c.title}**: ${c.detail}${c.remedy ? `\n  - ${vscode.l10n.t('To do')}: ${c.remedy}` : ''}`);
  return `# ${verdict}\n\nLinux ${report.kernel}, ${report.machine}\n\n${lines.join('\n')}\n`;
}
