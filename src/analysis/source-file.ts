/** One file under analysis: its text, facts and flow, and what rules ask about them. */
import type { AnalysisOptions, Language, Position, Range } from '../protocol/analysis';
import { MODELS } from './api/models';
import { Program } from './flow/program';
import type { FileFacts, Func, Place } from './model';

export class SourceFile {
  readonly program: Program;
  private readonly lineStarts: number[] = [0];
  private readonly headers: Set<string>;

  constructor(
    readonly path: string, readonly language: Language, readonly text: string, readonly facts: FileFacts, readonly options: AnalysisOptions,
  ) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
    this.program = new Program(facts, text, MODELS);
    this.headers = new Set(facts.includes.map((i) => i.name));
  }

  /** Whether the file includes a header, by its name or the end of its path. */
  includes(header: string): boolean {
    return this.headers.has(header) || [...this.headers].some((h) => h.endsWith(`/${header}`));
  }
  /** A header of the project may include what this file needs. */
  get hasProjectHeaders(): boolean {
    return this.facts.includes.some((i) => !i.system);
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
  /** Blanks in front of the first word of the line that holds the offset. */
  indentation(offset: number): string {
    const start = this.lineStarts[this.position(offset).line]!;
    return /^[ \t]*/.exec(this.text.slice(start, offset))![0];
  }
  get lines(): number {
    return this.lineStarts.length;
  }
  lineText(line: number): string {
    return this.text.slice(this.lineStarts[line] ?? this.text.length, this.lineStarts[line + 1] ?? this.text.length).replace(/\r?\n$/, '');
  }
  /** The function written around an offset, innermost. */
  functionAt(offset: number): Func | undefined {
    const source = this.facts.functions.filter((f) => f.start <= offset && offset < f.end).at(-1);
    let found = source?.func();
    for (let f: Func | undefined = found; f;) {
      found = f;
      const base: number = f.base;
      f = f.inner.find((i) => base + i.span.start <= offset && offset < base + i.span.end);
    }
    return found;
  }
  functionAtPlace(place: Place): Func | undefined {
    return this.functionAt(place.base + place.span.start);
  }
}

export function placeOf(func: Func, at: { span: { start: number; end: number } }): Place {
  return { base: func.base, span: at.span };
}
