/** One file under analysis, version after version: its text, facts and flow, and what rules ask about them. */
import type { Language, Position, Range } from '../protocol/analysis';
import { MODELS } from './api/models';
import { Program } from './flow/program';
import { sameList, type Memo } from './memo';
import { sameTarget, type Target } from './target';
import { placeIn, type FileFacts, type Func, type Local, type Place, type Span } from './model';

export class SourceFile {
  readonly program = new Program(MODELS);
  text = '';
  facts!: FileFacts;
  private lineStarts: number[] = [0];
  private builtFor: Target = {};

  constructor(readonly path: string, readonly language: Language) {}

  /** The file as it is now. */
  update(text: string, facts: FileFacts, target: Target): void {
    this.text = text;
    this.builtFor = target;
    this.facts = facts;
    this.lineStarts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
    this.program.update(facts, text);
  }
  private get memo(): Memo {
    return this.program.memo;
  }

  /** The oldest kernel and library the code has to run with. */
  get target(): Target {
    return this.memo.input('target', () => this.builtFor, sameTarget);
  }

  /** Whether the file includes a header, by its name or the end of its path. */
  includes(header: string): boolean {
    return this.memo.input(`includes ${header}`, () => this.facts.includes.some((i) => i.name === header || i.name.endsWith(`/${header}`)));
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
    return this.memo.input(`field ${name}`, () => this.facts.fields.find((f) => f.name === name)?.type);
  }
  /** The type of a variable outside functions. */
  globalType(id: string): string | undefined {
    return this.memo.input(`global ${id}`, () => this.facts.globals.find((g) => g.local.id === id)?.local.type);
  }
  /** Variables outside functions. */
  globals(): Local[] {
    return this.memo.input('global variables', () => this.facts.globals.map((g) => g.local), sameList);
  }
  get definesGnuSource(): boolean {
    return this.memo.input('_GNU_SOURCE', () => /^\s*#\s*define\s+_GNU_SOURCE\b/m.test(this.text));
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, column: offset - this.lineStarts[low]! };
  }
  offset(position: Position): number {
    return Math.min(this.text.length, (this.lineStarts[position.line] ?? this.text.length) + position.column);
  }
  range(place: Place): Range {
    return { start: this.position(place.base + place.span.start), end: this.position(place.base + place.span.end) };
  }
  source(place: Place): string {
    return this.text.slice(place.base + place.span.start, place.base + place.span.end);
  }
  /** Blanks in front of the first word of the line on which the place begins, as far as its unit goes. */
  indentation(place: Place): string {
    const before = this.text.slice(place.base, place.base + place.span.start);
    return /^[ \t]*/.exec(before.slice(before.lastIndexOf('\n') + 1))![0];
  }
  get lines(): number {
    return this.lineStarts.length;
  }
  lineText(line: number): string {
    return this.text.slice(this.lineStarts[line] ?? this.text.length, this.lineStarts[line + 1] ?? this.text.length).replace(/\r?\n$/, '');
  }
}

export function placeOf(func: Func, at: { span: Span }): Place {
  return placeIn(func, at.span);
}
