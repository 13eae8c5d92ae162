/** Findings of files that are not open: handed out when the client pulls the workspace, sent to clients that do not. */
import { DocumentDiagnosticReportKind, type CancellationToken, type Connection, type WorkspaceDiagnosticParams, type WorkspaceDocumentDiagnosticReport } from 'vscode-languageserver';
import type { Documents } from '../documents';
import { diagnostic } from '../features/diagnostics';
import type { AnalysisResult } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';
import type { Project, ProjectFile } from './project';
import { pathOf, uriOf } from './uris';

export class WorkspaceDiagnostics {
  /** the client asks for the workspace's findings by itself */
  private asked = false;
  private shown = false;
  private readonly sent = new Set<string>();
  private waiting: (() => void)[] = [];

  constructor(private readonly connection: Connection, private readonly project: Project, private readonly documents: Documents, private readonly settings: () => ServerSettings) {}

  /** Findings of closed files are shown from now on. */
  show(): void {
    this.shown = true;
  }
  get isShown(): boolean {
    return this.shown && this.settings().enable;
  }
  /** Results may be others: answers whoever waits, or sends them. */
  changed(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const answer of waiting) answer();
    if (!this.asked) this.send();
  }

  /** What a closed file's findings are, where they are shown. */
  of(uri: string): ProjectFile | undefined {
    return this.isShown ? this.project.file(pathOf(uri)) : undefined;
  }

  /** `analyse` is run first where the client's wish alone is reason enough. Answers when there is something new. */
  async pull(params: WorkspaceDiagnosticParams, token: CancellationToken, analyse: () => Promise<void>): Promise<WorkspaceDocumentDiagnosticReport[]> {
    this.asked = true;
    if (this.settings().scanOnOpen && !this.shown) {
      this.show();
      await analyse();
    }
    let items = this.news(params);
    if (!items.length && params.previousResultIds.length) {
      await this.change(token);
      items = this.news(params);
    }
    return items;
  }
  private change(token: CancellationToken): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      token.onCancellationRequested(() => resolve());
    });
  }
  private news({ previousResultIds }: WorkspaceDiagnosticParams): WorkspaceDocumentDiagnosticReport[] {
    const known = new Map(previousResultIds.map(({ uri, value }) => [pathOf(uri), { uri, value }]));
    const items: WorkspaceDocumentDiagnosticReport[] = [];
    for (const file of this.isShown ? this.project.all() : []) {
      const before = known.get(file.path);
      known.delete(file.path);
      // a client may hold a document open that it shows nowhere, and for which it does not ask
      const live = this.documents.latest(file.path)?.last;
      const result = live?.result ?? file.result;
      const resultId = live ? `${file.changed} ${live.version}` : String(file.changed);
      if (!result || before?.value === resultId || (!before && !result.findings.length)) continue;
      items.push({ kind: DocumentDiagnosticReportKind.Full, uri: before?.uri ?? uriOf(file.path), version: live?.version ?? null, resultId, items: this.diagnostics(file.path, result) });
    }
    // files that went, or findings that are no longer shown
    for (const [path, { uri, value }] of known) {
      if (value !== '' && !this.documents.isOpen(path)) items.push({ kind: DocumentDiagnosticReportKind.Full, uri, version: null, items: [] });
    }
    return items;
  }

  /** For a client that does not pull the workspace. */
  private send(): void {
    const now = new Set<string>();
    for (const file of this.isShown ? this.project.all() : []) {
      if (!file.result?.findings.length || this.documents.isOpen(file.path)) continue;
      now.add(file.path);
      void this.connection.sendDiagnostics({ uri: uriOf(file.path), diagnostics: this.diagnostics(file.path, file.result) });
    }
    for (const path of this.sent) if (!now.has(path) && !this.documents.isOpen(path)) void this.connection.sendDiagnostics({ uri: uriOf(path), diagnostics: [] });
    this.sent.clear();
    for (const path of now) this.sent.add(path);
  }
  /** A file was opened: what was sent of it would be there twice with what the client pulls. */
  opened(uri: string): void {
    if (this.sent.delete(pathOf(uri))) void this.connection.sendDiagnostics({ uri: uriOf(pathOf(uri)), diagnostics: [] });
  }

  private diagnostics(path: string, { findings }: AnalysisResult): ReturnType<typeof diagnostic>[] {
    return findings.map((f) => diagnostic(uriOf(path), f, this.settings()));
  }
}
