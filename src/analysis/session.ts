/** One open document: its facts follow the edits, its last result stays until the text changes. */
import type { AnalysisOptions, AnalysisResult, Language, Surface, Usage } from '../protocol/analysis';
import { judge, NOTHING_FOUND, type Analyser } from './analyse';
import { hasApiToken } from './gate';
import { frontEnd, type FrontEnd, type NameAt } from './languages/front-end';
import { migrateLibaio, type Migration } from './migration/libaio-to-liburing';
import { SourceFile } from './source-file';
import { targetOf } from './target';
import { fieldAt } from './usage/fields';
import { placing } from './usage/places';
import type { OpenFile, Workspace } from './workspace';

interface Known { file: SourceFile; front: FrontEnd; shared: OpenFile | undefined }

export class Session {
  private known: Known | undefined;

  /** `workspace`: the files around this one; their headers have to be settled for the findings to be complete. */
  constructor(private readonly analyser: Analyser, readonly path: string, readonly language: Language, private readonly place = path,
    private readonly workspace?: Workspace) {}

  /** Loads the grammar when this text needs it. After it resolves, `analyse` of the same text runs to its end at once. */
  async ready(text: string): Promise<void> {
    if (hasApiToken(this.language, text)) await this.analyser.grammars.open(this.language);
  }

  /** Analyses the text as it is now: parses and analyses only what changed, and what depends on that. Throws when the parser fails; the session stays usable. */
  analyse(text: string, options: AnalysisOptions): AnalysisResult {
    if (!hasApiToken(this.language, text)) {
      this.drop();
      if (this.workspace?.has(this.path)) this.workspace.set(this.path, this.language, text, this.place);
      return NOTHING_FOUND;
    }
    const known = this.known ??= this.open();
    try {
      known.file.update(text, known.front.facts(text), targetOf(options));
    } catch (error) {
      this.drop();
      this.analyser.grammars.reset(this.language);
      throw error;
    }
    known.shared?.adopt(text);
    return judge(known.file, options);
  }
  private open(): Known {
    const shared = this.workspace?.open(this.path, this.language, this.place);
    return { file: shared?.file ?? new SourceFile(this.path, this.language, this.place), front: frontEnd(this.language, this.analyser.grammars), shared };
  }

  /** The text last analysed with the libaio sequence around an offset on liburing; undefined where there is none. */
  migrated(offset: number): Migration | undefined {
    return this.known && migrateLibaio(this.known.file, offset);
  }

  /** The field of a structure of the APIs at an offset in the text last analysed. */
  fieldAt(offset: number): Usage<Surface> | undefined {
    if (!this.known) return undefined;
    const found = fieldAt(this.known.file, offset);
    return found && placing(this.known.file)([found])[0];
  }

  /** The name at an offset in the text last analysed, where it is code and not comment or string. */
  nameAt(offset: number): NameAt | undefined {
    return this.known?.front.nameAt(offset);
  }

  /** Lets go what the parser made; must be called when the document closes. */
  drop(): void {
    this.known?.front.drop();
    this.known?.shared?.close();
    this.known = undefined;
  }
}
