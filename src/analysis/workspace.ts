/**
 * The files that are analysed together: what one says about functions, types and constants counts in the others.
 *
 * The caller tells which headers there are (`know`) and hands texts in (`set`); `settle` reads what is included. Names that
 * several files define, and includes that may mean several files, stay unknown.
 */
import type { AnalysisOptions, AnalysisResult, Language } from '../protocol/analysis';
import { judge, NOTHING_FOUND, type Analyser } from './analyse';
import { isForeignName } from './api/names';
import type { Outside } from './flow/program';
import { hasApiToken, languageOf } from './gate';
import { frontEnd } from './languages/front-end';
import { IncludePaths, nearest } from './include-paths';
import { Epoch, Memo } from './memo';
import type { FileFacts, Func } from './model';
import { includes, SourceFile } from './source-file';
import { targetOf } from './target';

/** Characters of source whose facts and answers are kept besides those of open documents. */
const KEPT = 400_000;
/** Headers that lead to headers that … */
const MAX_HEADERS = 400;

export interface WorkspaceOptions {
  /** characters of source whose facts stay in memory besides those of open documents */
  kept?: number;
}
/** The text of a file, undefined when it cannot be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** What other files may ask for, kept also while the facts are not in memory. */
interface Outline {
  includes: { name: string; system: boolean }[];
  /** every name the file declares or defines outside functions */
  names: ReadonlySet<string>;
  /** functions that other files can call without including this one; methods as `Class::name` */
  external: ReadonlySet<string>;
}
/** A file of the workspace without its text. */
export interface Seen { path: string; language: Language; place: string; outline: Outline }
const NO_OUTLINE: Outline = { includes: [], names: new Set(), external: new Set() };

export class Workspace {
  readonly epoch = new Epoch();
  private readonly ticks = new Memo(this.epoch);
  private readonly members = new Map<string, Member>();
  private readonly paths = new IncludePaths();
  private readonly external = new Map<string, Set<Member>>();
  /** set since they were last looked at */
  private readonly waiting = new Set<Member>();
  private readonly unreadable = new Set<string>();
  private readonly kept: number;
  /** counts changes of what files include and declare */
  private structure = 0;

  constructor(readonly analyser: Analyser, { kept = KEPT }: WorkspaceOptions = {}) {
    this.kept = kept;
  }

  /** Paths of the project's headers. They are read when a file of the workspace includes them. */
  know(headers: Iterable<string>): void {
    for (const path of headers) this.paths.add(path);
  }

  /**
   * A file as it is now; one that is open in a session keeps the text it has there. `place`: the path inside the project;
   * `outline`: what another workspace saw in this very text (`seen`), which is parsed here only when somebody asks for more.
   */
  set(path: string, language: Language, text: string, place = path, outline?: Outline): void {
    const known = this.members.get(path);
    if (known?.open || (known?.text === text && known.language === language)) return;
    if (known) this.release(known);
    const member = new Member(this, path, language, text, place);
    this.members.set(path, member);
    this.paths.add(path);
    if (outline) member.adoptOutline(outline);
    else this.waiting.add(member);
    this.changed();
  }
  /** What was looked at so far: plain data that a workspace in another thread can `set`. */
  seen(): Seen[] {
    return [...this.members.values()].filter((m) => m.outline !== NO_OUTLINE).map(({ path, language, place, outline }) => ({ path, language, place, outline }));
  }
  remove(path: string): void {
    const member = this.members.get(path);
    this.paths.delete(path);
    this.unreadable.delete(path);
    if (!member) return;
    this.release(member);
    this.members.delete(path);
    this.changed();
  }
  has(path: string): boolean {
    return this.members.has(path);
  }
  get size(): number {
    return this.members.size;
  }

  /**
   * Looks at what was set since and reads the headers it includes, theirs too, so that `analyse` can answer at once. `pause`
   * is awaited between files.
   */
  async settle(read: ReadText, pause: () => Promise<void> = async () => undefined): Promise<void> {
    for (;;) {
      // also of those that are read only when somebody asks, for then nobody waits
      for (const language of new Set([...this.members.values()].map((m) => m.language))) await this.analyser.grammars.open(language);
      for (const member of this.waiting) {
        this.look(member);
        await pause();
      }
      const wanted = this.wanted();
      if (!wanted.length && !this.waiting.size) return;
      for (const path of wanted) {
        const text = await read(path);
        const language = text === undefined ? undefined : languageOf(path, text);
        if (text === undefined || language === undefined) this.unreadable.add(path);
        else this.set(path, language, text);
        await pause();
      }
    }
  }
  /** Headers that are included and were not set yet. */
  wanted(): string[] {
    const out = new Set<string>();
    for (const member of this.members.values()) {
      for (const path of member.included()) if (!this.members.has(path) && !this.unreadable.has(path)) out.add(path);
    }
    return [...out];
  }

  /** Analyses a file that was set. The grammars of all languages in the workspace have to be open, as after `settle`. */
  analyse(path: string, options: AnalysisOptions): AnalysisResult {
    const member = this.members.get(path);
    if (!member || !hasApiToken(member.language, member.text)) return NOTHING_FOUND;
    this.index();
    this.trim();
    member.facts();
    member.file.aimAt(targetOf(options));
    return { ...judge(member.file, options) };
  }

  /** The file at `path` is open from now on, and its text comes from `adopt`. */
  open(path: string, language: Language, place: string): OpenFile {
    let member = this.members.get(path);
    if (member?.language !== language || member.place !== place) {
      if (member) this.release(member);
      this.members.set(path, (member = new Member(this, path, language, '', place)));
      this.paths.add(path);
      this.changed();
    }
    member.open = true;
    return member;
  }

  /** Looks at everything that was set since. */
  index(): void {
    for (const member of this.waiting) this.look(member);
  }
  private look(member: Member): void {
    this.waiting.delete(member);
    if (this.members.get(member.path) === member && !member.open) member.facts();
  }

  /** @internal What a member declares, or includes, is different. */
  outlined(member: Member, before: Outline): void {
    for (const name of before.external) this.external.get(name)?.delete(member);
    for (const name of member.outline.external) {
      const list = this.external.get(name);
      if (list) list.add(member);
      else this.external.set(name, new Set([member]));
    }
    this.structure++;
  }
  /** @internal Tells apart what answers about includes were made from. */
  get state(): string {
    return `${this.structure} ${this.paths.version} ${this.members.size}`;
  }
  /** @internal */
  resolve(include: { name: string; system: boolean }, from: string): string | undefined {
    return this.paths.resolve(include, from);
  }
  /** @internal */
  member(path: string): Member | undefined {
    return this.members.get(path);
  }
  /** @internal The one file whose function of that name a call in `from` can mean. */
  definer(name: string, from: Member): Member | undefined {
    const all = this.external.get(name);
    if (!all?.size || isForeignName(name)) return undefined;
    const others = [...all].filter((m) => m !== from && (m.language === 'rust') === (from.language === 'rust'));
    const path = nearest(others.map((m) => m.path), from.path);
    return path === undefined ? undefined : this.members.get(path);
  }

  private release(member: Member): void {
    this.waiting.delete(member);
    const before = member.outline;
    member.outline = NO_OUTLINE;
    this.outlined(member, before);
  }
  private changed(): void {
    this.structure++;
    this.ticks.next();
  }
  /** Lets the facts go that were not used for the longest time. */
  private trim(): void {
    const loaded = [...this.members.values()].filter((m) => m.loaded && !m.open).sort((a, b) => b.used - a.used);
    let sum = 0;
    let some = false;
    for (const member of loaded) {
      sum += member.text.length;
      if (sum <= this.kept) continue;
      member.forget();
      some = true;
    }
    if (some) this.ticks.next();
  }
}

/** A document that is being edited, as its session sees it. */
export type OpenFile = Pick<Member, 'file' | 'adopt' | 'close'>;

let clock = 0;

class Member implements Outside {
  file: SourceFile;
  outline: Outline = NO_OUTLINE;
  open = false;
  loaded = false;
  used = 0;
  private visible: { state: string; headers: Member[] } | undefined;
  private resolved: { outline: Outline; version: string; paths: string[] } | undefined;

  constructor(private readonly workspace: Workspace, readonly path: string, readonly language: Language, public text: string, readonly place: string) {
    this.file = new SourceFile(path, language, place, this);
  }
  get epoch(): Epoch {
    return this.workspace.epoch;
  }

  /** Made from the text where they are not in memory; none when the parser fails. */
  facts(): FileFacts {
    this.used = ++clock;
    if (!this.loaded) {
      const front = frontEnd(this.language, this.workspace.analyser.grammars);
      try {
        this.file.load(this.text, front.facts(this.text));
      } finally {
        front.drop();
      }
      this.loaded = true;
      this.outlineAnew();
    }
    return this.file.facts;
  }
  forget(): void {
    this.file = new SourceFile(this.path, this.language, this.place, this);
    this.loaded = false;
  }

  /** Facts of another version; the session told the file. */
  adopt(text: string): void {
    this.text = text;
    this.loaded = true;
    this.workspace.index();
    this.outlineAnew();
  }
  close(): void {
    this.open = false;
  }
  private outlineAnew(): void {
    const now = outlineOf(this.file.facts);
    if (!sameOutline(this.outline, now)) this.adoptOutline(now);
  }
  adoptOutline(outline: Outline): void {
    const before = this.outline;
    this.outline = outline;
    this.workspace.outlined(this, before);
  }

  /** Files of the project that are included here. */
  included(): string[] {
    const version = this.workspace.state;
    if (this.resolved?.outline !== this.outline || this.resolved.version !== version) {
      const paths = this.outline.includes.map((i) => this.workspace.resolve(i, this.path)).filter((p) => p !== undefined && p !== this.path);
      this.resolved = { outline: this.outline, version, paths: paths as string[] };
    }
    return this.resolved.paths;
  }
  /** Those, and what they include, nearest first. */
  private reachable(): Member[] {
    const { state } = this.workspace;
    if (this.visible?.state !== state) {
      const seen = new Set<Member>([this]);
      for (const member of seen) {
        for (const path of member.included()) {
          const header = this.workspace.member(path);
          if (header && seen.size <= MAX_HEADERS) seen.add(header);
        }
      }
      seen.delete(this);
      this.visible = { state, headers: [...seen] };
    }
    return this.visible.headers;
  }

  headers(name: string): FileFacts[] {
    return this.reachable().filter((m) => m.outline.names.has(name)).map((m) => m.facts());
  }
  external(name: string): Func | undefined {
    const definer = this.workspace.definer(name, this);
    const found = definer?.facts().functions.filter((f) => !f.static && keyOf(f) === name) ?? [];
    return found.length === 1 ? found[0] : undefined;
  }
  includes(header: string): boolean {
    return this.reachable().some((m) => includes(m.outline, header));
  }
}

function keyOf(func: Func): string {
  return func.owner === '' ? func.name : `${func.owner.replace(/<.*>/, '').replace(/^.*::/, '')}::${func.name}`;
}

function outlineOf(facts: FileFacts): Outline {
  const names = new Set<string>([...facts.constants.keys(), ...facts.macros.keys()]);
  const external = new Set<string>();
  for (const f of facts.functions) {
    names.add(f.name);
    if (!f.static) external.add(keyOf(f));
  }
  for (const f of facts.fields) names.add(f.name).add(f.owner);
  for (const s of facts.structures) names.add(s.name);
  for (const g of facts.globals) names.add(g.local.name);
  return { includes: facts.includes.map(({ name, system }) => ({ name, system })), names, external };
}
function sameOutline(a: Outline, b: Outline): boolean {
  return sameSet(a.names, b.names) && sameSet(a.external, b.external) && a.includes.length === b.includes.length
    && a.includes.every((x, i) => x.name === b.includes[i]!.name && x.system === b.includes[i]!.system);
}
function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const x of a) if (!b.has(x)) return false;
  return true;
}
