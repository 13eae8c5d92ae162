/** The language server process: started with the extension, restarted on request, told of settings. */
import * as vscode from 'vscode';
import { LanguageClient, State, TransportKind, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';
import { WorkDoneProgress, type WorkDoneProgressReport } from 'vscode-languageclient';
import { ANALYSED_NOTIFICATION, INVENTORY_CHANGED_NOTIFICATION, INVENTORY_REQUEST, SCAN_REQUEST, type AnalysedParams, type Inventory, type ScanResult } from '../../protocol/lsp';
import { serverSettings } from '../config';
import { LANGUAGES } from '../ids';
import type { Log } from '../log';
import { AnalysisStatus } from './analysis-status';
import { serveVirtualFiles } from './virtual-files';

export class LanguageFeature implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private readonly status = new AnalysisStatus();
  private readonly subscriptions: vscode.Disposable[] = [];
  private readonly inventoryChanged = new vscode.EventEmitter<void>();
  readonly onInventoryChanged = this.inventoryChanged.event;
  private scans = 0;
  private ready: Promise<void> | undefined;

  constructor(private readonly context: vscode.ExtensionContext, private readonly log: Log) {
    this.subscriptions.push(
      this.status, this.inventoryChanged,
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('ringlight') || change.affectsConfiguration('files.exclude')) void this.sendSettings();
      }),
    );
  }

  start(): Promise<void> {
    return (this.ready ??= this.startNow());
  }
  private async startNow(): Promise<void> {
    const module = vscode.Uri.joinPath(this.context.extensionUri, 'dist', 'server.js').fsPath;
    const run = { module, transport: TransportKind.stdio };
    const server: ServerOptions = { run, debug: { ...run, options: { execArgv: ['--nolazy', '--inspect=6019'] } } };
    const options: LanguageClientOptions = {
      documentSelector: LANGUAGES.map((language) => ({ language })),
      initializationOptions: serverSettings(this.context.extensionUri),
      outputChannel: this.log.output,
      diagnosticCollectionName: 'ringlight',
    };
    this.client = new LanguageClient('ringlight', 'Ringlight', server, options);
    this.client.onNotification(ANALYSED_NOTIFICATION, (params: AnalysedParams) => this.status.analysed(params));
    this.client.onNotification(INVENTORY_CHANGED_NOTIFICATION, () => this.inventoryChanged.fire());
    this.client.onDidChangeState(({ newState }) => { if (newState === State.Stopped) this.status.failed(vscode.l10n.t('It stopped; the log says why.')); });
    serveVirtualFiles(this.client);
    try {
      await this.client.start();
    } catch (error) {
      // Tracing does not need the server: say so and go on.
      this.status.failed(String(error));
      this.log.error(`The language server did not start: ${String(error)}`);
    }
  }

  async restart(): Promise<void> {
    if (!this.client) return this.start();
    await this.client.restart();
    this.inventoryChanged.fire();
  }

  /** What the workspace uses. */
  async inventory(): Promise<Inventory> {
    return (await this.running()).sendRequest<Inventory>(INVENTORY_REQUEST, {});
  }
  /** Looks at every file of the workspace. Rejects when it is cancelled. */
  async scan(token: vscode.CancellationToken, report: (progress: WorkDoneProgressReport) => void): Promise<ScanResult> {
    const client = await this.running();
    const workDoneToken = `scan ${++this.scans}`;
    const listener = client.onProgress(WorkDoneProgress.type, workDoneToken, (p) => { if (p.kind === 'report') report(p); });
    try {
      return await client.sendRequest<ScanResult>(SCAN_REQUEST, { workDoneToken }, token);
    } finally {
      listener.dispose();
    }
  }
  private async running(): Promise<LanguageClient> {
    await this.start();
    if (!this.client?.isRunning()) throw new Error(vscode.l10n.t('the language server is not running'));
    return this.client;
  }

  private async sendSettings(): Promise<void> {
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: serverSettings(this.context.extensionUri) });
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
    void this.client?.dispose();
  }
}
