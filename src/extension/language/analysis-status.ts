/** The language status item: what the last analysis found and how long it took. */
import * as vscode from 'vscode';
import type { AnalysedParams } from '../../protocol/lsp';
import { Commands, LANGUAGES } from '../ids';

/** Longer than this is worth a person's attention. */
const SLOW_MS = 500;

export class AnalysisStatus implements vscode.Disposable {
  private readonly item = vscode.languages.createLanguageStatusItem('ringlight.analysis', LANGUAGES.map((language) => ({ language })));
  private readonly last = new Map<string, AnalysedParams>();
  private readonly editorChange: vscode.Disposable;
  private problem: string | undefined;

  constructor() {
    this.item.name = 'Ringlight';
    this.item.command = { command: Commands.ShowLog, title: vscode.l10n.t('Show log') };
    this.editorChange = vscode.window.onDidChangeActiveTextEditor(() => this.show());
    this.show();
  }

  analysed(params: AnalysedParams): void {
    this.problem = undefined;
    this.last.set(params.uri, params);
    this.show();
  }

  /** Said until something is analysed again. */
  failed(reason: string): void {
    this.problem = reason;
    this.show();
  }

  private show(): void {
    if (this.problem !== undefined) {
      this.item.severity = vscode.LanguageStatusSeverity.Error;
      this.item.text = vscode.l10n.t('Ringlight: server not running');
      this.item.detail = this.problem;
      return;
    }
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    const params = uri === undefined ? undefined : this.last.get(uri);
    this.item.severity = params && params.milliseconds > SLOW_MS ? vscode.LanguageStatusSeverity.Warning : vscode.LanguageStatusSeverity.Information;
    if (!params) {
      this.item.text = 'Ringlight';
      this.item.detail = undefined;
    } else if (!params.parsed) {
      this.item.text = vscode.l10n.t('Ringlight: no asynchronous I/O here');
      this.item.detail = undefined;
    } else {
      this.item.text = params.findings === 1 ? vscode.l10n.t('Ringlight: 1 finding') : vscode.l10n.t('Ringlight: {0} findings', params.findings);
      this.item.detail = vscode.l10n.t('{0} ms', params.milliseconds.toFixed(1));
    }
  }

  dispose(): void {
    this.item.dispose();
    this.editorChange.dispose();
  }
}
