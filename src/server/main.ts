/** The language server, over stdio: wires the protocol to documents, the project and features. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CodeActionKind, createConnection, DidChangeConfigurationNotification, DidChangeWatchedFilesNotification, DidChangeWorkspaceFoldersNotification, DocumentDiagnosticReportKind,
  LSPErrorCodes, PositionEncodingKind, ProposedFeatures, ResponseError, StreamMessageReader, StreamMessageWriter, TextDocuments, TextDocumentSyncKind, WorkDoneProgress,
  type CancellationToken, type DocumentDiagnosticReport, type InitializeParams, type InitializeResult,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { Analyser } from '../analysis/analyse';
import type { Surface, Usage } from '../protocol/analysis';
import {
  ANALYSED_NOTIFICATION, INVENTORY_CHANGED_NOTIFICATION, INVENTORY_REQUEST, SCAN_COMMAND, SCAN_REQUEST, type Inventory, type ScanParams, type ScanResult, type ServerSettings,
} from '../protocol/lsp';
import { Documents, languageOfDocument } from './documents';
import { codeActions, FIX_ALL } from './features/code-actions';
import { completions } from './features/completion';
import { diagnostic } from './features/diagnostics';
import { hover } from './features/hover';
import { clientFiles } from './workspace/client-files';
import { Cancelled, Project, type Progress, type Work } from './workspace/project';
import { pathOf, uriOf } from './workspace/uris';
import { WorkspaceDiagnostics } from './workspace/workspace-diagnostics';

/** A pause this long in typing and clients that do not pull get their diagnostics. */
const PUSH_DELAY_MS = 40;
/** After a change of files or documents the workspace's findings and inventory wait this long for the next one. */
const QUIET_MS = 300;
const WATCHED = '**/*.{c,h,cc,cpp,cxx,c++,hh,hpp,hxx,inl,ipp,tpp,rs}';

/** The rules' pages as they lie beside the bundle. */
const PAGES = join(__dirname, '../docs/rules');
const DEFAULTS: ServerSettings = {
  enable: true, hover: true, rulePages: existsSync(PAGES) ? pathToFileURL(PAGES).href : '', scanOnOpen: true, exclude: [], editorCommands: false,
};

const connection = createConnection(ProposedFeatures.all, new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
const texts = new TextDocuments(TextDocument);
let settings = DEFAULTS;
let pulls = false;
let refreshes = false;
let watches = false;
let tellsFolders = false;
let saysWhyNot = false;
/** somebody looks at the inventory */
let inventoried = false;

const log = (message: string): void => connection.console.error(message);
const analyser = new Analyser(async (name) => readFile(join(__dirname, 'wasm', name)));
const project = new Project(analyser, clientFiles(connection), () => settings, log);
const documents = new Documents(project, (uri) => texts.get(uri), (params) => {
  void connection.sendNotification(ANALYSED_NOTIFICATION, params);
  if (inventoried) later(tellInventory);
}, log);
const closedFiles = new WorkspaceDiagnostics(connection, project, documents, () => settings);

connection.onInitialize((params): InitializeResult => {
  settings = { ...DEFAULTS, ...(params.initializationOptions as Partial<ServerSettings> | undefined) };
  const { textDocument, workspace } = params.capabilities;
  pulls = textDocument?.diagnostic !== undefined;
  refreshes = workspace?.diagnostics?.refreshSupport === true;
  watches = workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
  tellsFolders = workspace?.workspaceFolders === true;
  saysWhyNot = textDocument?.codeAction?.disabledSupport === true;
  project.setFolders(foldersOf(params));
  return {
    serverInfo: { name: 'ringlight' },
    capabilities: {
      positionEncoding: PositionEncodingKind.UTF16,
      textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
      diagnosticProvider: { identifier: 'ringlight', interFileDependencies: true, workspaceDiagnostics: true },
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite, FIX_ALL] },
      completionProvider: { triggerCharacters: ['-', ' ', ','] },
      executeCommandProvider: { commands: [SCAN_COMMAND] },
      hoverProvider: true,
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    },
  };
});
function foldersOf(params: InitializeParams): string[] {
  return params.workspaceFolders?.map((f) => f.uri) ?? (params.rootUri ? [params.rootUri] : []);
}
connection.onInitialized(() => {
  if (watches) void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: WATCHED }, { globPattern: '**/.gitignore' }] });
  if (tellsFolders) void connection.client.register(DidChangeWorkspaceFoldersNotification.type);
  if (settings.scanOnOpen && !pulls) scanQuietly();
});

connection.onNotification(DidChangeConfigurationNotification.type, ({ settings: given }) => {
  const changed = given as Partial<ServerSettings> & { ringlight?: Partial<ServerSettings> } | undefined;
  const before = settings;
  settings = { ...DEFAULTS, ...(changed?.ringlight ?? changed) };
  if (String(before.exclude) !== String(settings.exclude)) project.forget();
  else project.outdate();
  if (settings.scanOnOpen && !before.scanOnOpen) scanQuietly();
  refreshOpen();
  later(refreshClosed);
});
connection.onNotification(DidChangeWorkspaceFoldersNotification.type, ({ event }) => {
  const gone = new Set(event.removed.map((f) => f.uri));
  void connection.workspace.getWorkspaceFolders().then((folders) => {
    project.setFolders((folders ?? event.added).map((f) => f.uri).filter((uri) => !gone.has(uri)));
    documents.reopen();
    refreshOpen();
    later(refreshClosed);
  }, () => undefined);
});
connection.onDidChangeWatchedFiles(({ changes }) => refreshFiles(changes.map((c) => c.uri)));
texts.onDidSave(({ document }) => { if (!watches) refreshFiles([document.uri]); });

function refreshFiles(uris: string[]): void {
  const { version } = project.workspace.epoch;
  void project.refresh(uris).then(() => {
    if (project.workspace.epoch.version !== version) refreshOpen();
    later(refreshClosed);
  }, problem);
}
/** Open documents are judged anew. */
function refreshOpen(): void {
  if (pulls && refreshes) connection.languages.diagnostics.refresh().catch(() => undefined);
  else if (!pulls) for (const document of texts.all()) push(document.uri);
}
/** What closed files say is brought up to date, if anybody looks. */
function refreshClosed(): void {
  if (!closedFiles.isShown && !inventoried) return;
  void project.analyse().then(() => {
    closedFiles.changed();
    tellInventory();
  }, problem);
}
function scanQuietly(): void {
  closedFiles.show();
  later(refreshClosed);
}
const timers = new Map<() => void, NodeJS.Timeout>();
function later(task: () => void): void {
  clearTimeout(timers.get(task));
  timers.set(task, setTimeout(task, QUIET_MS));
}
function problem(error: unknown): void {
  if (!(error instanceof Cancelled)) log(`The workspace could not be read: ${String(error)}`);
}

/** The files around an open document are looked at once, so that what they say counts in it. */
let surroundings: Promise<void> | undefined;
function lookAround(): void {
  if (!project.hasFolders) return;
  surroundings ??= project.index().then(refreshOpen, problem);
}

connection.languages.diagnostics.on(async ({ textDocument: { uri } }): Promise<DocumentDiagnosticReport> => {
  const analysed = await documents.result(uri, settings);
  if (analysed?.result.parsed) lookAround();
  const findings = analysed?.result.findings ?? (texts.get(uri) ? [] : closedFiles.of(uri)?.result?.findings ?? []);
  return { kind: DocumentDiagnosticReportKind.Full, items: findings.map((f) => diagnostic(uri, f, settings)) };
});
connection.languages.diagnostics.onWorkspace(async (params, token, progress) => ({ items: await closedFiles.pull(params, token, () => project.analyse({ token, report: (p) => progress.report(percent(p), said(p)) }).catch(cancelled)) }));

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
  if (analysed?.result.parsed) lookAround();
  await connection.sendDiagnostics({ uri, version, diagnostics: analysed?.result.findings.map((f) => diagnostic(uri, f, settings)) ?? [] });
}
texts.onDidOpen(({ document }) => { if (pulls) closedFiles.opened(document.uri); });
texts.onDidChangeContent(({ document }) => {
  if (!pulls) push(document.uri);
});
texts.onDidClose(({ document }) => {
  documents.close(document.uri);
  clearTimeout(pending.get(document.uri));
  pending.delete(document.uri);
  if (!pulls) void connection.sendDiagnostics({ uri: document.uri, diagnostics: closedFiles.of(document.uri)?.result?.findings.map((f) => diagnostic(document.uri, f, settings)) ?? [] });
  // the file on the disk may have less in it than the document had
  refreshFiles([document.uri]);
});

connection.onCodeAction(async (params) => {
  const document = texts.get(params.textDocument.uri);
  const analysed = await documents.result(params.textDocument.uri, settings);
  if (!document || !analysed || analysed.version !== document.version) return [];
  const path = pathOf(document.uri);
  const language = languageOfDocument(document);
  const anew = async (text: string) => (language ? (await analyser.file({ path, language, text, place: project.placeOf(path) }, settings)).findings : []);
  const offset = document.offsetAt(params.range.start);
  return codeActions(params, { text: document.getText(), findings: analysed.result.findings, anew, migrated: () => documents.migrated(document.uri, offset) }, settings, saysWhyNot);
});
connection.onCompletion(async (params) => {
  const document = texts.get(params.textDocument.uri);
  const language = document && languageOfDocument(document);
  if (!language || !settings.enable) return [];
  const analysed = await documents.result(params.textDocument.uri, settings);
  return completions(params, document, language, analysed?.result.findings ?? [], settings);
});
connection.onHover(async ({ textDocument, position }) => {
  if (!settings.hover) return null;
  const document = texts.get(textDocument.uri);
  const analysed = await documents.result(textDocument.uri, settings);
  return document && analysed && analysed.version === document.version ? hover(position, analysed, () => documents.fieldAt(textDocument.uri, document.offsetAt(position)), settings) : null;
});

/** Looks at every file, and shows what it finds from then on. */
async function scan(work: Work): Promise<ScanResult> {
  const start = performance.now();
  project.forget();
  await project.analyse(work);
  closedFiles.show();
  closedFiles.changed();
  tellInventory();
  refreshOpen();
  const files = project.all();
  return { files: project.size, using: files.length, findings: files.reduce((n, f) => n + (f.result?.findings.length ?? 0), 0), milliseconds: performance.now() - start };
}
function percent({ done, total }: Progress): number {
  return total ? Math.floor(100 * done / total) : 0;
}
function said({ done, total, phase }: Progress): string {
  return phase === 'reading' ? `${done} files read` : `${done} of ${total} files that use the APIs`;
}
function cancelled(error: unknown): never {
  throw error instanceof Cancelled ? new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled') : error;
}
connection.onRequest(SCAN_REQUEST, async ({ workDoneToken }: ScanParams, token: CancellationToken): Promise<ScanResult> => {
  const tell = (p: Progress): void => {
    if (workDoneToken !== undefined) void connection.sendProgress(WorkDoneProgress.type, workDoneToken, { kind: 'report', percentage: percent(p), message: said(p) });
  };
  return scan({ token, report: tell }).catch(cancelled);
});
connection.onExecuteCommand(async ({ command }) => {
  if (command !== SCAN_COMMAND) return undefined;
  const progress = await connection.window.createWorkDoneProgress();
  progress.begin('Ringlight: looking at the workspace', 0, undefined, true);
  try {
    return await scan({ token: progress.token, report: (p) => progress.report(percent(p), said(p)) }).catch(cancelled);
  } finally {
    progress.done();
  }
});

connection.onRequest(INVENTORY_REQUEST, async (_: unknown, token: CancellationToken): Promise<Inventory> => {
  inventoried = true;
  if (project.hasFolders) await project.analyse({ token }).catch(cancelled);
  const usages = new Map<string, { uri: string; usages: Usage<Surface>[] }>();
  const add = (path: string, uri: string, own: Usage<Surface>[]): void => { usages.set(path, { uri, usages: own }); };
  for (const { path, result } of project.all()) if (result) add(path, uriOf(path), [...result.usages, ...result.neighbours]);
  // what is typed and not saved yet counts
  for (const { path, uri, result } of documents.results()) add(path, uri, [...result.usages, ...result.neighbours]);
  return { files: [...usages.values()].filter((f) => f.usages.length).sort((a, b) => (a.uri < b.uri ? -1 : 1)) };
});
function tellInventory(): void {
  if (inventoried) void connection.sendNotification(INVENTORY_CHANGED_NOTIFICATION);
}

// a client that is gone without a word is not waited for
process.stdin.on('end', () => process.exit(1));

texts.listen(connection);
connection.listen();
