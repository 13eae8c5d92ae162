/** Constructs the parts and registers them; nothing else happens here. */
import * as vscode from 'vscode';
import { Commands } from './ids';
import { InventoryView } from './inventory/inventory-view';
import { LanguageFeature } from './language/client';
import { scanWorkspace } from './language/scan-command';
import { openRulePage } from './language/rule-page';
import { Log } from './log';
import { insertSnippet } from './snippets/insert-snippet';
import { TimelineEditor } from './timeline/timeline-editor';
import { registerTraceTasks } from './trace/trace-task';
import { DebugTargets } from './trace/debug-targets';
import { TraceSessions } from './trace/sessions';
import { registerTraceCommands } from './trace/commands';
import type { RinglightApi } from './api';

export async function activate(context: vscode.ExtensionContext): Promise<RinglightApi> {
  const log = new Log();
  context.subscriptions.push(log);
  try {
    const language = new LanguageFeature(context, log);
    const debugTargets = new DebugTargets();
    const sessions = new TraceSessions(context, log);
    context.subscriptions.push(
      language, new InventoryView(language), debugTargets, sessions,
      TimelineEditor.register(context, log),
      registerTraceTasks(sessions),
      registerTraceCommands(context, sessions, debugTargets, log),
      vscode.commands.registerCommand(Commands.InsertSnippet, (name?: unknown) => insertSnippet(context.extensionUri, name)),
      vscode.commands.registerCommand(Commands.OpenRulePage, (id: unknown) => openRulePage(context.extensionUri, id)),
      vscode.commands.registerCommand(Commands.ScanWorkspace, () => scanWorkspace(language)),
      vscode.commands.registerCommand(Commands.RestartServer, () => language.restart()),
      vscode.commands.registerCommand(Commands.ShowLog, () => log.show()),
    );
    await language.start();
    return { trace: (request) => sessions.start(request) };
  } catch (error) {
    // VS Code stays silent when an activation throws.
    log.error(`Ringlight could not start: ${String(error)}`);
    void vscode.window.showErrorMessage(vscode.l10n.t('Ringlight could not start: {0}', String(error)));
    throw error;
  }
}
