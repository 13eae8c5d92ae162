/** A language client over the real server's stdio. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type CancellationToken, type MessageConnection } from 'vscode-jsonrpc/node';
import type { AnalysedParams, Inventory, ScanResult, ServerSettings } from '../../src/protocol/lsp';

const SERVER = join(import.meta.dirname, '../../dist/server.js');

export interface Diagnostic {
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  severity: number; source: string; code: string; message: string;
  codeDescription?: { href: string };
  relatedInformation?: { location: { uri: string; range: Diagnostic['range'] }; message: string }[];
}
export interface Edit { range: Diagnostic['range']; newText: string }
export interface CodeAction { title: string; kind: string; isPreferred?: boolean; edit?: { changes: Record<string, Edit[]> }; disabled?: { reason: string }; command?: { command: string; arguments: unknown[] } }

export class Client {
  readonly connection: MessageConnection;
  readonly analysed: AnalysedParams[] = [];
  readonly published: { uri: string; version?: number; diagnostics: Diagnostic[] }[] = [];
  private readonly child: ChildProcess;

  constructor(command: string[] = [SERVER, '--stdio']) {
    if (!existsSync(SERVER)) throw new Error('dist/server.js is missing: npm run build');
    this.child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.connection = createMessageConnection(new StreamMessageReader(this.child.stdout!), new StreamMessageWriter(this.child.stdin!));
    this.connection.onNotification('ringlight/analysed', (p: AnalysedParams) => { this.analysed.push(p); });
    this.connection.onNotification('textDocument/publishDiagnostics', (p: Client['published'][number]) => { this.published.push(p); });
    this.connection.onRequest('workspace/diagnostic/refresh', () => null);
    this.connection.listen();
  }

  async start({ pull, folders = [], settings = {}, saysWhyNot = false }: { pull: boolean; folders?: string[]; settings?: Partial<ServerSettings>; saysWhyNot?: boolean }): Promise<unknown> {
    const answer = await this.connection.sendRequest('initialize', {
      processId: process.pid, rootUri: null, workspaceFolders: folders.map((uri) => ({ uri, name: uri })),
      capabilities: { textDocument: { ...(pull ? { diagnostic: {} } : {}), ...(saysWhyNot ? { codeAction: { disabledSupport: true } } : {}) } },
      initializationOptions: { enable: true, hover: true, rulePages: 'file:///rules', editorCommands: true, ...settings },
    });
    await this.connection.sendNotification('initialized', {});
    return answer;
  }
  async open(uri: string, languageId: string, text: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId, version: 1, text } });
  }
  async change(uri: string, version: number, contentChanges: { range?: Diagnostic['range']; text: string }[]): Promise<void> {
    await this.connection.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
  }
  async diagnostics(uri: string): Promise<Diagnostic[]> {
    return (await this.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } })).items;
  }
  async actions(uri: string, range: Diagnostic['range'], only?: string[]): Promise<CodeAction[]> {
    return this.connection.sendRequest('textDocument/codeAction', { textDocument: { uri }, range, context: { diagnostics: [], ...(only ? { only } : {}) } });
  }
  async scan(token?: CancellationToken): Promise<ScanResult> {
    return this.connection.sendRequest<ScanResult>('ringlight/scan', {}, token);
  }
  async inventory(): Promise<Inventory> {
    return this.connection.sendRequest<Inventory>('ringlight/inventory', {});
  }
  async workspaceDiagnostics(previousResultIds: { uri: string; value: string }[] = []): Promise<{ uri: string; resultId?: string; items: Diagnostic[] }[]> {
    return (await this.connection.sendRequest<{ items: { uri: string; resultId?: string; items: Diagnostic[] }[] }>('workspace/diagnostic', { previousResultIds })).items;
  }
  /** Labels of what is offered, and what is said of each. */
  async completions(uri: string, line: number, character: number): Promise<{ label: string; detail?: string; documentation?: string }[]> {
    const items = await this.connection.sendRequest<{ label: string; sortText: string }[]>('textDocument/completion', { textDocument: { uri }, position: { line, character }, context: { triggerKind: 1 } });
    return items.sort((a, b) => (a.sortText < b.sortText ? -1 : 1));
  }
  async complete(uri: string, line: number, character: number): Promise<string[]> {
    return (await this.completions(uri, line, character)).map((i) => i.label);
  }
  async hover(uri: string, line: number, character: number): Promise<string | undefined> {
    const hover = await this.connection.sendRequest<{ contents: { value: string } } | null>('textDocument/hover', { textDocument: { uri }, position: { line, character } });
    return hover?.contents.value;
  }
  /** Goes without a word; resolves with the exit status once the process is gone. */
  async hangUp(): Promise<number | null> {
    const gone = new Promise<number | null>((resolve) => this.child.once('exit', resolve));
    this.child.stdin!.end();
    const code = await gone;
    this.connection.dispose();
    return code;
  }
  /** Resolves with the exit status once the process is gone. */
  async stop(): Promise<number | null> {
    const gone = new Promise<number | null>((resolve) => this.child.once('exit', resolve));
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    const code = await gone;
    this.connection.dispose();
    return code;
  }
}

/** The text with a server's edits applied. */
export function edited(text: string, edits: Edit[]): string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const offset = (p: { line: number; character: number }) => starts[p.line]! + p.character;
  return [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce((t, e) => t.slice(0, offset(e.range.start)) + e.newText + t.slice(offset(e.range.end)), text);
}
