/** ssh's and sudo's questions. The answer is handed over and neither kept nor logged. */
import * as vscode from 'vscode';

/** undefined: the user went away */
export async function askUser(prompt: string, secret: boolean): Promise<string | undefined> {
  return vscode.window.showInputBox({ title: 'Ringlight', prompt, password: secret, ignoreFocusOut: true });
}
