/** The changes that make up a migration, and how much of the file was understood on the way. Offsets are those of the file. */
import type { Func, Span } from '../model';

export interface Change extends Span { text: string }

export class Draft {
  private changes: Change[] = [];
  private readonly spans: Span[] = [];

  constructor(private readonly text: string) {}

  /** Source text of a function's span. */
  source(func: Func, span: Span): string {
    return this.text.slice(func.base + span.start, func.base + span.end);
  }
  /** The source text of a span with the changes inside it, and more of them that are for this copy alone. */
  changed(func: Func, span: Span, more: Change[] = []): string {
    const start = func.base + span.start;
    const end = func.base + span.end;
    const all = [...this.changes, ...more.map((c) => ({ ...c, start: func.base + c.start, end: func.base + c.end }))];
    return apply(this.text.slice(start, end), all.filter((c) => start <= c.start && c.end <= end).map((c) => ({ start: c.start - start, end: c.end - start, text: c.text })));
  }
  /** Blanks in front of the line on which a span begins. */
  indentation(func: Func, span: Span): string {
    return /^[ \t]*/.exec(this.text.slice(this.lineOf(func.base + span.start)))![0];
  }
  /** One more level of indentation, as the file has it. */
  get step(): string {
    return /^\t/m.test(this.text) ? '\t' : /^( +)\S/m.exec(this.text)?.[1] ?? '\t';
  }

  /** What is there stays as it is, and means the same as before. */
  keep(func: Func, span: Span): void {
    this.keepAt(func.base + span.start, func.base + span.end);
  }
  replace(func: Func, span: Span, text: string): void {
    this.replaceAt(func.base + span.start, func.base + span.end, text);
  }
  /** Puts text in front of what begins at an offset of the function. */
  insert(func: Func, offset: number, text: string): void {
    this.changes.push({ start: func.base + offset, end: func.base + offset, text });
  }
  keepAt(start: number, end: number): void {
    this.spans.push({ start, end });
  }
  replaceAt(start: number, end: number, text: string): void {
    this.keepAt(start, end);
    this.changes.push({ start, end, text });
  }
  /** Takes a statement out, with its line where it has one of its own. */
  remove(func: Func, span: Span): void {
    let start = func.base + span.start;
    let end = func.base + span.end;
    const line = this.lineOf(start);
    const rest = /^[ \t]*(?:\r?\n)/.exec(this.text.slice(end));
    if (rest && /^[ \t]*$/.test(this.text.slice(line, start))) {
      start = line;
      end += rest[0].length;
    }
    this.replaceAt(start, end, '');
  }
  /** Puts a statement that has no braces around it into some. `text`: what it becomes, indented; `outer`: the indentation of what it belongs to. */
  embrace(func: Func, span: Span, text: string, outer: string): void {
    const start = this.text.slice(0, func.base + span.start).trimEnd().length;
    // the text has what was changed inside
    this.changes = this.changes.filter((c) => c.start < start || c.end > func.base + span.end);
    this.replaceAt(start, func.base + span.end, ` {\n${text}\n${outer}}`);
  }
  /** Whether a statement stands among others in braces. */
  isBraced(func: Func, span: Span): boolean {
    const before = this.text.slice(func.base, func.base + span.start).replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, '').trimEnd();
    return /[{};:]$/.test(before);
  }
  private lineOf(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  /** Whether what begins at an offset was understood. */
  covers(offset: number): boolean {
    return this.spans.some((s) => s.start <= offset && offset < s.end);
  }
  /** The file as it becomes; undefined when changes are in each other's way. */
  result(): string | undefined {
    const sorted = inOrder(this.changes);
    return sorted.some((c, i) => i > 0 && c.start < sorted[i - 1]!.end) ? undefined : apply(this.text, this.changes);
  }
}

/** From the top down; changes of one place in the order they were made. */
function inOrder(changes: Change[]): Change[] {
  return [...changes].sort((a, b) => a.start - b.start || a.end - b.end);
}
function apply(text: string, changes: Change[]): string {
  let out = '';
  let at = 0;
  for (const c of inOrder(changes)) {
    out += text.slice(at, c.start) + c.text;
    at = Math.max(at, c.end);
  }
  return out + text.slice(at);
}
