/** The language server, over stdio: wires the protocol to documents and features. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CodeActionKind, createConnection, DidChangeConfigurationNotification, DocumentDiagnosticReportKind, ProposedFeatures, StreamMessageReader, StreamMessageWriter,
  TextDocuments, TextDocumentSyncKind, type DocumentDiagnosticReport, type InitializeResult,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { Analyser } from '../analysis/analyse';
import { ANALYSED_NOTIFICATION, type ServerSettings } from '../protocol/lsp';
import { Documents } from './documents';
import { codeActions, FIX_ALL } from './features/code-actions';
import { diagnostic } from './features/diagnostics';
import { hover } from './features/hover';

/** A pause this long in typing and clients that do not pull get their diagnostics. */
const PUSH_DELAY_MS = 40;
const DEFAULTS: ServerSettings = { enable: true, hover: true, rulePages: '' };

const connection = createConnection(ProposedFeatures.all, new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
const texts = new TextDocuments(TextDocument);
const documents = new Documents(
  new Analyser(async (name) => readFile(join(__dirname, 'wasm', name))),
  (uri) => texts.get(uri),
  (params) => void connection.sendNotification(ANALYSED_NOTIFICATION, params),
  (message) => connection.console.error(message),
);
let settings = DEFAULTS;
let pulls = false;
let refreshes = false;

connection.onInitialize((params): InitializeResult => {
  settings = { ...DEFAULTS, ...(params.initializationOptions as Partial<ServerSettings> | undefined) };
  pulls = params.capabilities.textDocument?.diagnostic !== undefined;
  refreshes = params.capabilities.workspace?.diagnostics?.refreshSupport === true;
  return {
    serverInfo: { name: 'ringlight' },
    capabilities: {
      textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
      diagnosticProvider: { identifier: 'ringlight', interFileDependencies: false, workspaceDiagnostics: false },
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, FIX_ALL] },
      hoverProvider: true,
    },
  };
});
connection.onNotification(DidChangeConfigurationNotification.type, ({ settings: changed }) => {
  settings = { ...DEFAULTS, ...(changed as Partial<ServerSettings> | undefined) };
  if (pulls && refreshes) connection.languages.diagnostics.refresh().catch(() => undefined);
  else if (!pulls) for (const document of texts.all()) push(document.uri);
});

connection.languages.diagnostics.on(async ({ textDocument }): Promise<DocumentDiagnosticReport> => {
  const analysed = await documents.result(textDocument.uri, settings);
  return {
    kind: DocumentDiagnosticReportKind.Full,
    items: analysed?.result.findings.map((f) => diagnostic(textDocument.uri, f, settings)) ?? [],
  };
});

const pending = new Map<string, NodeJS.Timeout>();
function push(uri: string): void {
  clearTimeout(pending.get(uri));
  pending.set(uri, setTimeout(() => {
    pending.delete(uri);
    void publish(uri);
  }, PUSH_DELAY_MS));
}
async function publish(uri: string): Promise<void> {
  const analysed = await documents.result(uri, settings);
  const version = texts.get(uri)?.version;
  // typing went on meanwhile: the next result is on its way
  if (version === undefined || (analysed && analysed.version !== version)) return;
  await connection.sendDiagnostics({ uri, version, diagnostics: analysed?.result.findings.map((f) => diagnostic(uri, f, settings)) ?? [] });
}
texts.onDidChangeContent(({ document }) => {
  if (!pulls) push(document.uri);
});
texts.onDidClose(({ document }) => {
  documents.close(document.uri);
  clearTimeout(pending.get(document.uri));
  pending.delete(document.uri);
  if (!pulls) void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
});

connection.onCodeAction(async (params) => {
  const document = texts.get(params.textDocument.uri);
  const analysed = await documents.result(params.textDocument.uri, settings);
  if (!document || !analysed || analysed.version !== document.version) return [];
  return codeActions(params, document.getText(), analysed.result.findings, settings);
});
connection.onHover(async ({ textDocument, position }) => {
  if (!settings.hover) return null;
  const document = texts.get(textDocument.uri);
  const analysed = await documents.result(textDocument.uri, settings);
  return document && analysed && analysed.version === document.version ? hover(position, analysed, settings) : null;
});

texts.listen(connection);
connection.listen();
