/** Folders and files that the server cannot read from its disk are read for it, through whoever provides them. */
import * as vscode from 'vscode';
import type { BaseLanguageClient } from 'vscode-languageclient';
import { READ_DIRECTORY_REQUEST, READ_FILE_REQUEST, type DirectoryEntry, type ReadParams } from '../../protocol/lsp';

/** Only what lies in the workspace is handed over. */
function inside({ uri }: ReadParams): vscode.Uri {
  const wanted = vscode.Uri.parse(uri, true);
  if (!vscode.workspace.getWorkspaceFolder(wanted)) throw new Error(`${uri} is not in the workspace`);
  return wanted;
}

export function serveVirtualFiles(client: BaseLanguageClient): void {
  client.onRequest(READ_DIRECTORY_REQUEST, async (params: ReadParams): Promise<DirectoryEntry[]> => {
    const entries = await vscode.workspace.fs.readDirectory(inside(params));
    return entries.filter(([, type]) => type === vscode.FileType.File || type === vscode.FileType.Directory)
      .map(([name, type]) => ({ name, folder: type === vscode.FileType.Directory }));
  });
  client.onRequest(READ_FILE_REQUEST, async (params: ReadParams): Promise<string> => Buffer.from(await vscode.workspace.fs.readFile(inside(params))).toString('base64'));
}
