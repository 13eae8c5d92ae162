/** Open documents, their trees and their last results. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NOTHING_FOUND } from '../analysis/analyse';
import type { Migration } from '../analysis/migration/libaio-to-liburing';
import { Session } from '../analysis/session';
import type { AnalysisResult, Language, Surface, Usage } from '../protocol/analysis';
import type { AnalysedParams, ServerSettings } from '../protocol/lsp';
import type { Project } from './workspace/project';
import { pathOf } from './workspace/uris';
import { MAX_BYTES } from './workspace/walk';

/** What clients call our languages. */
const LANGUAGES: ReadonlyMap<string, Language> = new Map([['c', 'c'], ['cpp', 'cpp'], ['c++', 'cpp'], ['rust', 'rust']]);
export function languageOfDocument(document: TextDocument): Language | undefined {
  return LANGUAGES.get(document.languageId);
}

export interface Analysed { result: AnalysisResult; version: number }
/** `epoch`: what other files said when the last result was made. */
interface State { session: Session; last?: Analysed; settings?: ServerSettings; epoch?: number }

export class Documents {
  private readonly open = new Map<string, State>();
  private readonly failed = new Set<string>();

  constructor(
    private readonly project: Project,
    private readonly lookup: (uri: string) => TextDocument | undefined,
    private readonly analysed: (params: AnalysedParams) => void,
    private readonly log: (message: string) => void,
  ) {}

  /** The result for the document's present text; undefined when it is closed or none of our languages. Never rejects. */
  async result(uri: string, settings: ServerSettings): Promise<Analysed | undefined> {
    const document = this.lookup(uri);
    const language = document && languageOfDocument(document);
    if (!language || !settings.enable) return undefined;
    if (document.getText().length > MAX_BYTES) return { result: NOTHING_FOUND, version: document.version };
    const { analyser } = this.project.workspace;
    let state = this.open.get(uri);
    if (state?.session.language !== language) {
      state?.session.drop();
      const path = pathOf(uri);
      this.open.set(uri, (state = { session: new Session(analyser, path, language, this.project.placeOf(path), this.project.workspace) }));
    }
    try {
      await state.session.ready(document.getText());
    } catch (error) {
      return this.fail(language, error, document.version);
    }
    // while the grammar was loading the document may have changed, or been closed
    const now = this.lookup(uri);
    if (!now || this.open.get(uri) !== state) return undefined;
    const { epoch } = this.project.workspace;
    if (state.last?.version === now.version && state.settings === settings && state.epoch === epoch.version) return state.last;
    const start = performance.now();
    try {
      const result = state.session.analyse(now.getText(), settings);
      state.last = { result, version: now.version };
      state.settings = settings;
      state.epoch = epoch.version;
      this.analysed({ uri, version: now.version, milliseconds: performance.now() - start, findings: result.findings.length, parsed: result.parsed, grammars: analyser.grammars.loaded });
      return state.last;
    } catch (error) {
      return this.fail(language, error, now.version);
    }
  }

  /** The text a document's last result is of, with the libaio sequence around an offset on liburing. */
  migrated(uri: string, offset: number): Migration | undefined {
    return this.open.get(uri)?.session.migrated(offset);
  }

  /** The field of a structure of the APIs at an offset of the text a document's last result is of. */
  fieldAt(uri: string, offset: number): Usage<Surface> | undefined {
    return this.open.get(uri)?.session.fieldAt(offset);
  }

  /** What is known of the open documents, by path. */
  *results(): Generator<{ path: string; uri: string; result: AnalysisResult }> {
    for (const [uri, { last }] of this.open) if (last) yield { path: pathOf(uri), uri, result: last.result };
  }
  isOpen(path: string): boolean {
    return this.latest(path) !== undefined;
  }
  /** Of an open document; empty when nobody asked for its findings yet. */
  latest(path: string): { last?: Analysed } | undefined {
    for (const [uri, state] of this.open) if (pathOf(uri) === path) return state;
    return undefined;
  }
  /** Folders came or went: a document's place in them may be another. */
  reopen(): void {
    for (const [uri, { session }] of this.open) {
      session.drop();
      this.open.delete(uri);
    }
  }

  close(uri: string): void {
    this.open.get(uri)?.session.drop();
    this.open.delete(uri);
  }

  /** A parser that fails costs the findings of this file, nothing else, and one line of log. */
  private fail(language: Language, error: unknown, version: number): Analysed {
    if (!this.failed.has(language)) this.log(`The ${language} analysis failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    this.failed.add(language);
    return { result: NOTHING_FOUND, version };
  }
}
