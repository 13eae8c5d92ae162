/** One file under analysis, version after version: its text, facts and flow, and what rules ask about them. */
import type { Language, Position, Range } from '../protocol/analysis';
import { MODELS } from './api/models';
import { Program, type Outside } from './flow/program';
import { homeOfPlace, settle } from './homes';
import { Lines } from './lines';
import { changes } from './lists';
import { sameList, type Memo } from './memo';
import { sameTarget, type Target } from './target';
import { FILE, placeIn, type FileFacts, type Func, type Local, type Place, type Span, type Unit } from './model';
import { conditionalRegions } from './preprocessor';

const NO_CONDITIONS: readonly string[] = [];

export class SourceFile {
  readonly program: Program;
  text = '';
  facts!: FileFacts;
  /** of the text as it is now; the next version has another */
  table = new Lines('');
  private builtFor: Target = {};
  private regions: ReturnType<typeof conditionalRegions> | undefined;

  /** `place`: the path inside the project, which tells tests and examples from the rest; `outside`: the files around. */
  constructor(readonly path: string, readonly language: Language, readonly place = path, private readonly outside?: Outside) {
    this.program = new Program(MODELS, outside);
  }

  /** The file as it is now. */
  update(text: string, facts: FileFacts, target: Target): void {
    this.builtFor = target;
    this.program.memo.next();
    this.load(text, facts);
  }
  /** The facts that were let go, made anew from the same text. */
  load(text: string, facts: FileFacts): void {
    const before = this.facts as FileFacts | undefined;
    this.text = text;
    this.facts = facts;
    this.regions = undefined;
    const own = (f: Func): void => {
      settle(f, this);
      f.inner.forEach(own);
    };
    // the others are at home already
    changes(before?.functions ?? [], facts.functions).come.forEach(own);
    const units = [...changes(before?.mentions ?? [], facts.mentions).come, ...changes(before?.globals ?? [], facts.globals).come];
    for (const { unit } of units) if (unit !== FILE) settle(unit, this);
    this.table = new Lines(text, this.table);
    this.program.load(facts, text);
  }
  /** From now on the code has to run with this. */
  aimAt(target: Target): void {
    if (sameTarget(target, this.builtFor)) return;
    this.builtFor = target;
    this.program.memo.next();
  }
  private get memo(): Memo {
    return this.program.memo;
  }

  /** The oldest kernel and library the code has to run with. */
  get target(): Target {
    return this.memo.input('target', () => this.builtFor, sameTarget);
  }

  /** Whether the file, or a header of the project that it includes, includes a header, by its name or the end of its path. */
  includes(header: string): boolean {
    return this.memo.input(`includes ${header}`, () => includes(this.facts, header) || (this.outside?.includes(header) ?? false));
  }
  /** A header of the project may include what this file needs. */
  get hasProjectHeaders(): boolean {
    return this.facts.includes.some((i) => !i.system);
  }

  /** The last include. */
  get lastInclude(): Place | undefined {
    return this.memo.input('last include', () => this.facts.includes.at(-1)?.place);
  }
  /** The type of the first field or member of that name. */
  fieldType(name: string): string | undefined {
    const own = (f: FileFacts) => f.fields.find((x) => x.name === name)?.type;
    return this.memo.input(`field ${name}`, () => own(this.facts) ?? this.program.seen(name, own));
  }
  /** Whether the file itself declares a member or a variable outside functions of that name. */
  declares(name: string): boolean {
    return this.memo.input(`declares ${name}`, () => this.facts.fields.some((f) => f.name === name) || this.facts.globals.some((g) => g.local.name === name));
  }
  /** The type of a variable outside functions. */
  globalType(id: string): string | undefined {
    const own = (f: FileFacts) => f.globals.find((g) => g.local.id === id)?.local.type;
    return this.memo.input(`global ${id}`, () => own(this.facts) ?? this.program.seen(id, own));
  }
  /** Variables outside functions. */
  globals(): Local[] {
    return this.memo.input('global variables', () => this.facts.globals.map((g) => g.local), sameList);
  }
  get definesGnuSource(): boolean {
    return this.memo.input('_GNU_SOURCE', () => /^\s*#\s*define\s+_GNU_SOURCE\b/m.test(this.text));
  }
  /** Whether anything in the file's text matches, comments included: a quick way out. */
  says(words: RegExp): boolean {
    return this.memo.input(`says ${words.source}`, () => words.test(this.text));
  }
  /** Whether the file itself gives a macro or constant its value. */
  definesConstant(name: string): boolean {
    return this.memo.input(`defines constant ${name}`, () => this.facts.constants.has(name));
  }
  /** Whether each thread has its own of a variable outside functions. */
  isThreadLocal(id: string): boolean {
    return this.memo.input(`thread-local ${id}`, () => {
      const found = this.facts.globals.find((g) => g.local.id === id);
      return found !== undefined && /\b(?:thread_local|_Thread_local|__thread)\b/.test(this.text.slice(found.unit.base, found.unit.base + found.local.span.end));
    });
  }
  /** The conditions of the preprocessor that hold at a place of a function, outermost first. */
  conditions(func: Func, at: Span): readonly string[] {
    const regions = (): ReturnType<typeof conditionalRegions> => (this.regions ??= conditionalRegions(this.text));
    if (!this.memo.input('has conditions', () => regions().length > 0)) return NO_CONDITIONS;
    return this.memo.input(`conditions ${unitNumber(func)}:${at.start}`, () => {
      const offset = func.base + at.start;
      return regions().filter((r) => r.start <= offset && offset < r.end).map((r) => r.condition).reverse();
    }, sameList);
  }

  position(offset: number): Position {
    return this.table.position(offset);
  }
  offset(position: Position): number {
    return this.table.offset(position);
  }
  /** The file a place lies in, when it is another one. */
  otherFile(place: Place): SourceFile | undefined {
    const home = homeOfPlace(place);
    return home === this ? undefined : home;
  }
  range(place: Place): Range {
    const other = this.otherFile(place);
    if (other) return other.range(place);
    return { start: this.position(place.base + place.span.start), end: this.position(place.base + place.span.end) };
  }
  source(place: Place): string {
    const other = this.otherFile(place);
    if (other) return other.source(place);
    return this.text.slice(place.base + place.span.start, place.base + place.span.end);
  }
  /** Blanks in front of the first word of the line on which the place begins, as far as its unit goes. */
  indentation(place: Place): string {
    const other = this.otherFile(place);
    if (other) return other.indentation(place);
    const before = this.text.slice(place.base, place.base + place.span.start);
    return /^[ \t]*/.exec(before.slice(before.lastIndexOf('\n') + 1))![0];
  }
  get lines(): number {
    return this.table.count;
  }
  lineText(line: number): string {
    return this.text.slice(this.table.start(line), this.table.start(line + 1)).replace(/\r?\n$/, '');
  }
}

const numbers = new WeakMap<Unit, number>();
let units = 0;
/** Tells a unit from the others for as long as it lives. */
function unitNumber(unit: Unit): number {
  let n = numbers.get(unit);
  if (n === undefined) numbers.set(unit, (n = ++units));
  return n;
}

/** Whether the file itself includes the header. */
export function includes(facts: { includes: { name: string }[] }, header: string): boolean {
  return facts.includes.some((i) => i.name === header || i.name.endsWith(`/${header}`));
}

export function placeOf(func: Func, at: { span: Span }): Place {
  return placeIn(func, at.span);
}
