/** The files of the workspace's folders: found, read where they use an API, analysed when somebody wants to know. */
import type { CancellationToken } from 'vscode-languageserver';
import type { Analyser } from '../../analysis/analyse';
import { languageOf } from '../../analysis/gate';
import { Workspace } from '../../analysis/workspace';
import type { AnalysisResult } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';
import { fromGlobs, IgnoreRules } from './ignore-rules';
import { tidier } from './tidy';
import { diskPath, isOnDisk, pathOf } from './uris';
import { decoded, DISK, isHeader, sourceOf, walk, type FileAccess } from './walk';

/** The work was stopped by whoever asked for it; what was done so far stays. */
export class Cancelled extends Error {}

/** A file that uses an API. `round`: when its result was made; `changed`: when it was last another. */
export interface ProjectFile { path: string; place: string; result?: AnalysisResult; round: number; changed: number }
export interface Progress { done: number; total: number; phase: 'reading' | 'analysing' }
export interface Work { token?: CancellationToken; report?: (progress: Progress) => void }

/** Characters of source whose facts stay in memory besides those of open documents. */
const KEPT = 150_000;
/** Files looked through between two looks at what else there is to do. */
const AT_ONCE = 32;

export class Project {
  readonly workspace: Workspace;
  private readonly files = new Map<string, ProjectFile>();
  private folders: string[] = [];
  /** rules that hold below a folder of the walk */
  private rules = new Map<string, IgnoreRules>();
  private found = 0;
  private indexed = false;
  private round = 1;
  private changes = 0;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly tidy = tidier();

  constructor(
    analyser: Analyser, private readonly virtual: FileAccess, private readonly settings: () => ServerSettings,
    private readonly log: (message: string) => void,
  ) {
    this.workspace = new Workspace(analyser, { kept: KEPT });
  }

  setFolders(uris: string[]): void {
    this.folders = uris.map((uri) => pathOf(uri).replace(/\/+$/, ''));
    this.forget();
  }
  get hasFolders(): boolean {
    return this.folders.length > 0;
  }
  /** Everything is looked for anew. */
  forget(): void {
    this.indexed = false;
    this.round++;
  }
  /** Results were made with settings that hold no more. */
  outdate(): void {
    this.round++;
  }

  /** The path inside its folder, the file's name outside of all. */
  placeOf(path: string): string {
    const folder = this.folderOf(path);
    return folder === undefined ? path.slice(path.lastIndexOf('/') + 1) : path.slice(folder.length + 1);
  }
  private folderOf(path: string): string | undefined {
    return this.folders.filter((f) => path.startsWith(`${f}/`)).sort((a, b) => b.length - a.length)[0];
  }

  /** Files that use an API, in order. */
  all(): ProjectFile[] {
    return [...this.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  file(path: string): ProjectFile | undefined {
    return this.files.get(path);
  }
  /** How many source files there are. */
  get size(): number {
    return this.found;
  }

  /** Finds and reads the sources, so that what they say counts in open documents. */
  index(work: Work = {}): Promise<void> {
    return this.enqueue(() => this.indexNow(work));
  }
  /** Brings the results of all files up to date. */
  analyse(work: Work = {}): Promise<void> {
    return this.enqueue(async () => {
      await this.indexNow(work);
      await this.analyseNow(work);
    });
  }
  /** Files were changed, made or deleted outside of the editor. */
  refresh(uris: string[]): Promise<void> {
    return this.enqueue(async () => {
      if (!this.indexed) return;
      for (const path of uris.map(pathOf)) {
        if (path.endsWith('/.gitignore')) this.forget();
        else await this.reread(path);
      }
      await this.indexNow({});
      await this.workspace.settle((path) => this.text(path), pause);
    });
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    const run = this.queue.then(task);
    this.queue = run.catch(() => undefined);
    return run;
  }

  private async indexNow(work: Work): Promise<void> {
    if (this.indexed) return;
    const before = new Set(this.files.keys());
    this.rules = new Map();
    this.found = 0;
    for (const folder of this.folders) await this.look(folder, before, work);
    for (const gone of before) this.drop(gone);
    await this.workspace.settle((path) => this.text(path), () => {
      this.tidy();
      return pauseUnless(work);
    });
    this.indexed = true;
  }
  private async look(folder: string, before: Set<string>, work: Work): Promise<void> {
    const access = this.accessTo(folder);
    const root = isOnDisk(folder) ? diskPath(folder) : folder;
    const headers: string[] = [];
    const options = {
      rules: IgnoreRules.of(fromGlobs(this.settings().exclude)), gitignore: true, problem: (path: string, error: unknown) => this.log(`${path}: ${String(error)}`),
      entered: (base: string, rules: IgnoreRules) => { this.rules.set(`${folder}/${base}`, rules); },
    };
    for await (const { path: read, place } of walk(access, root, options)) {
      // a folder in another is walked once, with its own
      const path = `${folder}/${place}`;
      if (this.folderOf(path) !== folder) continue;
      if (++this.found % AT_ONCE === 0) {
        work.report?.({ done: this.found, total: 0, phase: 'reading' });
        await pauseUnless(work);
      }
      if (isHeader(path)) headers.push(path);
      const source = await this.source(access, read, path);
      if (!source) continue;
      before.delete(path);
      this.take(path, place, source);
    }
    this.workspace.know(headers);
  }
  private async source(access: FileAccess, read: string, path: string): Promise<ReturnType<typeof sourceOf>> {
    try {
      return sourceOf(path, await access.bytes(read));
    } catch (error) {
      this.log(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
  private take(path: string, place: string, { text, language }: NonNullable<ReturnType<typeof sourceOf>>): void {
    if (!this.files.has(path)) this.files.set(path, { path, place, round: 0, changed: 0 });
    this.workspace.set(path, language, text, place);
  }
  private drop(path: string): void {
    this.files.delete(path);
    this.workspace.remove(path);
  }

  private async reread(path: string): Promise<void> {
    const folder = this.folderOf(path);
    if (folder === undefined || languageOf(path) === undefined || this.isLeftOut(path, folder)) return;
    this.round++;
    const access = this.accessTo(path);
    const bytes = await access.bytes(isOnDisk(path) ? diskPath(path) : path).catch(() => undefined);
    if (!bytes) return this.drop(path);
    const place = this.placeOf(path);
    const source = sourceOf(path, bytes);
    if (source) this.take(path, place, source);
    else this.drop(path);
    // it may say something that others use, without using an API itself: then it is read again
    if (isHeader(path)) this.workspace.know([path]);
  }
  private isLeftOut(path: string, folder: string): boolean {
    const parts = path.slice(folder.length + 1).split('/');
    let rules: IgnoreRules | undefined;
    for (let i = 0; i < parts.length; i++) {
      rules = this.rules.get(`${folder}/${parts.slice(0, i).map((p) => `${p}/`).join('')}`) ?? rules;
      if (rules?.leavesOut(parts.slice(0, i + 1).join('/'), i < parts.length - 1)) return true;
    }
    return false;
  }

  private async analyseNow(work: Work): Promise<void> {
    const { round } = this;
    const stale = this.all().filter((f) => f.round !== round);
    for (const [i, file] of stale.entries()) {
      work.report?.({ done: i, total: stale.length, phase: 'analysing' });
      await pauseUnless(work);
      this.analyseFile(file, round);
      this.tidy();
    }
  }
  private analyseFile(file: ProjectFile, round: number): void {
    if (this.files.get(file.path) !== file) return;
    try {
      const result = this.workspace.analyse(file.path, this.settings());
      if (!file.result || JSON.stringify(file.result) !== JSON.stringify(result)) file.changed = ++this.changes;
      file.result = result;
    } catch (error) {
      this.log(`${file.path}: ${String(error)}`);
    }
    file.round = round;
  }

  private accessTo(path: string): FileAccess {
    return isOnDisk(path) ? DISK : this.virtual;
  }
  private async text(path: string): Promise<string | undefined> {
    const bytes = await this.accessTo(path).bytes(isOnDisk(path) ? diskPath(path) : path).catch(() => undefined);
    return bytes && decoded(path, bytes).text;
  }
}

/** Lets requests in. */
function pause(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}
async function pauseUnless({ token }: Work): Promise<void> {
  await pause();
  if (token?.isCancellationRequested) throw new Cancelled('cancelled');
}
