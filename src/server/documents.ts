/** Open documents, their trees and their last results. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { Session } from '../analysis/session';
import { NOTHING_FOUND, type Analyser } from '../analysis/analyse';
import type { AnalysisResult, Language } from '../protocol/analysis';
import type { AnalysedParams, ServerSettings } from '../protocol/lsp';

const LANGUAGES: Record<string, Language> = { c: 'c', cpp: 'cpp', rust: 'rust' };

export interface Analysed { result: AnalysisResult; session: Session; version: number }

export class Documents {
  private readonly open = new Map<string, { session: Session; last?: Analysed; settings?: ServerSettings }>();
  private readonly failed = new Set<string>();

  constructor(
    private readonly analyser: Analyser,
    private readonly lookup: (uri: string) => TextDocument | undefined,
    private readonly analysed: (params: AnalysedParams) => void,
    private readonly log: (message: string) => void,
  ) {}

  /** The result for the document's present text; undefined when it is closed or none of our languages. Never rejects. */
  async result(uri: string, settings: ServerSettings): Promise<Analysed | undefined> {
    const document = this.lookup(uri);
    const language = document && LANGUAGES[document.languageId];
    if (!language || !settings.enable) return undefined;
    let state = this.open.get(uri);
    if (state?.session.language !== language) {
      state?.session.drop();
      this.open.set(uri, (state = { session: new Session(this.analyser, uri, language) }));
    }
    try {
      await state.session.ready(document.getText());
    } catch (error) {
      return this.fail(language, error, state.session, document.version);
    }
    // while the grammar was loading the document may have changed, or been closed
    const now = this.lookup(uri);
    if (!now || this.open.get(uri) !== state) return undefined;
    if (state.last?.version === now.version && state.settings === settings) return state.last;
    const start = performance.now();
    try {
      const result = state.session.analyse(now.getText(), settings);
      state.last = { result, session: state.session, version: now.version };
      state.settings = settings;
      this.analysed({ uri, version: now.version, milliseconds: performance.now() - start, findings: result.findings.length, parsed: result.parsed, grammars: this.analyser.grammars.loaded });
      return state.last;
    } catch (error) {
      return this.fail(language, error, state.session, now.version);
    }
  }

  close(uri: string): void {
    this.open.get(uri)?.session.drop();
    this.open.delete(uri);
  }

  /** A parser that fails costs the findings of this file, nothing else, and one line of log. */
  private fail(language: Language, error: unknown, session: Session, version: number): Analysed {
    if (!this.failed.has(language)) this.log(`The ${language} analysis failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    this.failed.add(language);
    return { result: NOTHING_FOUND, session, version };
  }
}
