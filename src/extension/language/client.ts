/** The language server process: started with the extension, restarted on request, told of settings. */
import * as vscode from 'vscode';
import { LanguageClient, TransportKind, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';
import { ANALYSED_NOTIFICATION, type AnalysedParams } from '../../protocol/lsp';
import { serverSettings } from '../config';
import { LANGUAGES } from '../ids';
import type { Log } from '../log';
import { AnalysisStatus } from './analysis-status';

export class LanguageFeature implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private readonly status = new AnalysisStatus();
  private readonly subscriptions: vscode.Disposable[] = [];

  constructor(private readonly context: vscode.ExtensionContext, private readonly log: Log) {
    this.subscriptions.push(
      this.status,
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('ringlight')) void this.sendSettings();
      }),
    );
  }

  async start(): Promise<void> {
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
  }

  private async sendSettings(): Promise<void> {
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: serverSettings(this.context.extensionUri) });
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
    void this.client?.dispose();
  }
}
