/** Folders and files of virtual workspaces, read through the client. */
import type { Connection } from 'vscode-languageserver';
import { READ_DIRECTORY_REQUEST, READ_FILE_REQUEST, type DirectoryEntry } from '../../protocol/lsp';
import { uriOf } from './uris';
import type { FileAccess } from './walk';

export function clientFiles(connection: Pick<Connection, 'sendRequest'>): FileAccess {
  return {
    entries: async (folder) => (await connection.sendRequest<DirectoryEntry[]>(READ_DIRECTORY_REQUEST, { uri: uriOf(folder) }))
      .map(({ name, folder: isFolder }) => ({ name, kind: isFolder ? 'folder' : 'file' })),
    bytes: async (path) => Buffer.from(await connection.sendRequest<string>(READ_FILE_REQUEST, { uri: uriOf(path) }), 'base64'),
  };
}
