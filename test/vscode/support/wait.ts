/** Waiting for what VS Code does in its own time. */
import * as vscode from 'vscode';

const DEADLINE_MS = 60_000;

/** Polls until `probe` gives something; fails with `what` after a generous deadline. */
export async function until<T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>, deadline = DEADLINE_MS): Promise<T> {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function workspaceFile(...parts: string[]): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('the suite needs a workspace folder');
  return vscode.Uri.joinPath(folder.uri, ...parts);
}

export async function open(...parts: string[]): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(workspaceFile(...parts)));
}

/** Ringlight's findings in a file, once there is one of the rule. */
export function finding(document: vscode.TextDocument, rule: string): Promise<vscode.Diagnostic> {
  return until(`a ${rule} finding in ${document.fileName}`, () => findings(document).find((d) => ruleOf(d) === rule));
}

export function findings(document: vscode.TextDocument): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(document.uri).filter((d) => d.source === 'ringlight');
}

export function ruleOf(diagnostic: vscode.Diagnostic): string {
  return typeof diagnostic.code === 'object' ? String(diagnostic.code.value) : String(diagnostic.code);
}
