/**
 * Where the top-level items of a C or C++ file begin and end, found without a parser: by brackets, and by indentation where
 * brackets do not match. Each item is parsed by itself, so what is wrong in one (an unfinished statement, a macro no grammar
 * knows, halves of an `if` under `#if`) costs only that one, and a keystroke costs one small parse.
 *
 * Braces of namespaces and `extern "C"` and conditions of `#if` are no items: what is in them counts as if they were not there.
 */
import { deadBranch } from './c-branches';
import { APOSTROPHE, endOfDirective, indentation, lineEnd, lineStart, lineText, NEWLINE, nextLine, QUOTE, skipBlank, skipToken } from './c-text';

export interface Item {
  start: number;
  end: number;
  /** what is behind this offset had no part in finding the item */
  seen: number;
}

const HASH = 35;
const OPEN = 123;
const CLOSE = 125;
const SEMICOLON = 59;

const CONTAINER = /^(?:(?:inline\s+)?namespace\b[^=;()]*|extern\s*"C(?:\+\+)?"\s*|export\s*)$/;
const AGGREGATE = /^(?:typedef|struct|union|enum|class)\b/;
/** What a line that begins an item begins with; labels are told apart. */
const ITEM_LINE = /^(?:[A-Za-z_~[}]|::|#|\/[/*])/;
const LABEL = /^(?:\w+\s*:(?!:)|(?:case|default|else|while)\b)/;
/** Directives in whose place an unfinished item ends. */
const CUTTING = /^#\s*(?:include|define|undef|pragma|error)\b/;

/** The first item that begins at or behind `from`; undefined when there is none. */
export function nextItem(text: string, from: number): Item | undefined {
  let at = from;
  for (;;) {
    at = skipBlank(text, at);
    if (at >= text.length) return undefined;
    const c = text.charCodeAt(at);
    if (c === SEMICOLON || c === CLOSE) at++;
    else if (c === HASH) {
      const dead = deadBranch(text, at);
      if (!dead) {
        const end = endOfDirective(text, at);
        return { start: at, end, seen: end + 1 };
      }
      at = dead.end;
    } else {
      const found = new Scan(text, at).run();
      if (typeof found !== 'number') return found;
      at = found;
    }
  }
}

/** One item's way through the text. */
class Scan {
  private at: number;
  private depth = 0;
  private parens = 0;
  /** indentation of the line the item begins on */
  private readonly margin: number;
  /** behind the parameters of a template */
  private readonly declaration: number;
  /** the body's lines stand further in than the item's first */
  private indented: boolean | undefined;
  private kind: 'unknown' | 'function' | 'other' = 'unknown';
  private assigned = false;
  private initialises = false;
  /** offset of the last word or sign, and whether there was a closing parenthesis */
  private last = -1;
  private called = false;
  private readonly branches: { depth: number; first?: number }[] = [];
  private seen = 0;

  constructor(private readonly text: string, private readonly start: number) {
    this.at = start;
    this.margin = indentation(text, lineStart(text, start));
    this.declaration = /^template\b/.test(text.slice(start, start + 9)) ? endOfAngles(text, start) : start;
  }

  /** The item, or the offset behind the opening brace of a container. */
  run(): Item | number {
    const { text } = this;
    while (this.at < text.length) {
      const c = text.charCodeAt(this.at);
      if (c === NEWLINE) {
        const end = this.line();
        if (end !== undefined) return this.item(end);
        continue;
      }
      const skipped = c === 47 || c === QUOTE || c === APOSTROPHE ? skipToken(text, this.at) : this.at;
      if (skipped !== this.at) {
        if (c !== 47) this.last = this.at;
        this.at = skipped;
        continue;
      }
      if (c === OPEN) {
        const inside = this.open();
        if (inside !== undefined) return inside;
      } else if (c === CLOSE) {
        const end = this.close();
        if (end !== undefined) return this.item(end);
      } else if (this.depth === 0) {
        if (c === SEMICOLON) {
          // declarations of old-style parameters
          const next = skipBlank(text, this.at + 1);
          this.seen = Math.max(this.seen, next + 1);
          if (this.kind !== 'unknown' || text.charCodeAt(next) !== OPEN) return this.item(this.at + 1);
        } else if (c === 40) this.parens++;
        else if (c === 41) {
          this.parens = Math.max(0, this.parens - 1);
          this.called = true;
        } else if (this.parens === 0 && c === 61 && this.at >= this.declaration && !this.isOperator()) this.assigned = true;
        else if (this.parens === 0 && c === 58 && this.called && text[this.at - 1] !== ':' && text[this.at + 1] !== ':') this.initialises = true;
      }
      if (c > 32) this.last = this.at;
      this.at++;
    }
    this.seen = Infinity;
    return this.item(text.length);
  }

  private item(end: number): Item {
    return { start: this.start, end: trimmedEnd(this.text, this.start, end), seen: Math.max(this.seen, end + 1) };
  }

  /** At a line break: an unfinished item may end here. */
  private line(): number | undefined {
    const { text } = this;
    const end = this.at;
    const next = nextLine(text, end);
    this.at = next.from;
    if (next.from >= text.length) return undefined;
    const first = text.charCodeAt(next.from);
    const inward = next.indent > this.margin;
    if (this.depth === 0) {
      const cut = !inward && (first === HASH ? next.blank || CUTTING.test(lineText(text, next.from)) : next.blank && ITEM_LINE.test(text.slice(next.from, next.from + 2)));
      if (cut && this.last >= 0) {
        this.seen = lineEnd(text, next.from) + 1;
        return end;
      }
      if (first !== HASH && this.isMacroLine(end, next)) return end;
      if (first === OPEN && !inward) this.parens = 0;
    } else if (first !== CLOSE && first !== HASH && this.indented === undefined && !LABEL.test(lineText(text, next.from))) this.indented = inward;
    if (first === HASH) this.directive(next.from);
    return undefined;
  }

  /** A macro in capitals alone on its line, as `BEGIN_DECLS`, is an item of its own in front of one. */
  private isMacroLine(end: number, next: { from: number; blank: boolean; indent: number }): boolean {
    const { text } = this;
    if (this.parens > 0 || this.kind !== 'unknown' || end - this.start > 200) return false;
    if (!/^[A-Z_][A-Z0-9_]*(?:\s*\([^;{}]*\))?\s*$/.test(text.slice(this.start, end))) return false;
    const following = text.slice(next.from, next.from + 12);
    this.seen = Math.max(this.seen, next.from + 12);
    return next.indent <= this.margin && (/^(?:static|extern|typedef|struct|union|enum|class|namespace|template|using|const|inline)\b/.test(following) || (!text.slice(this.start, end).includes('(') && /^[A-Za-z_]/.test(following) && next.blank));
  }

  /** Of the ways of an `#if` the first counts. */
  private directive(at: number): void {
    const { text } = this;
    const dead = deadBranch(text, at);
    if (dead) {
      if (dead.goesOn) this.branches.push({ depth: this.depth });
      this.at = dead.end;
      return;
    }
    const word = /^#\s*(\w*)/.exec(lineText(text, at))?.[1] ?? '';
    if (/^if/.test(word)) this.branches.push({ depth: this.depth });
    else if (/^el/.test(word)) {
      const top = this.branches.at(-1);
      if (top) {
        top.first ??= this.depth;
        this.depth = top.depth;
      }
    } else if (word === 'endif') this.depth = this.branches.pop()?.first ?? this.depth;
    this.at = endOfDirective(text, at);
  }

  private open(): number | undefined {
    // braces among arguments
    if (this.depth === 0 && this.parens > 0) return this.nested();
    if (this.depth === 0 && this.kind === 'unknown') {
      const header = this.text.slice(this.start, this.at);
      if (header.length < 400 && CONTAINER.test(withoutComments(header))) return this.at + 1;
      const behindParameters = this.text.charCodeAt(this.last) === 41;
      this.kind = this.called && !this.assigned && (!AGGREGATE.test(header) || behindParameters) ? 'function' : 'other';
    }
    this.depth++;
    return undefined;
  }

  /** Over a pair of braces, as far as the line at the margin. */
  private nested(): undefined {
    const { text } = this;
    let depth = 0;
    for (let at = this.at; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c === 47 || c === QUOTE || c === APOSTROPHE) at = Math.max(at, skipToken(text, at) - 1);
      else if (c === OPEN) depth++;
      else if (c === CLOSE && --depth === 0) {
        this.at = at;
        return undefined;
      } else if (c === NEWLINE) {
        const next = nextLine(text, at);
        if (next.indent <= this.margin && next.from < text.length && text.charCodeAt(next.from) !== CLOSE) break;
      }
    }
    // the parenthesis was not closed
    this.parens = 0;
    this.at--;
    return undefined;
  }

  /** At a closing brace: where the item ends, if it does. */
  private close(): number | undefined {
    const { text, at } = this;
    const start = lineStart(text, at);
    const begins = indentation(text, start);
    const first = /^[ \t]*$/.test(text.slice(start, at));
    if (this.depth > 1) {
      this.depth--;
      if (!first || begins > this.margin || this.indented !== true) return undefined;
      // a brace is missing above: another item begins behind this one
      return this.beginsItem(at + 1) ? this.behind(at) : undefined;
    }
    this.depth = 0;
    const next = skipBlank(text, at + 1);
    const c = text.charCodeAt(next);
    this.seen = Math.max(this.seen, next + 1);
    if (this.kind === 'function' && this.initialises && (c === 44 || c === OPEN)) return undefined;
    if (first && begins > this.margin && this.indented === true) {
      const end = this.surplus(at);
      if (end !== undefined) return end;
    }
    return this.kind === 'function' ? this.behind(at) : undefined;
  }
  /** There is a brace too many above: the item goes on to the one that stands where its own should. */
  private surplus(at: number): number | undefined {
    const { text } = this;
    for (let line = nextLine(text, lineEnd(text, at)), n = 0; line.from < text.length && n < 2000; line = nextLine(text, lineEnd(text, line.from)), n++) {
      if (line.indent > this.margin) continue;
      this.seen = Math.max(this.seen, line.from + 1);
      return n > 0 && text.charCodeAt(line.from) === CLOSE ? this.behind(line.from) : undefined;
    }
    this.seen = Infinity;
    return undefined;
  }
  /** Behind a closing brace, with a semicolon that follows at once. */
  private behind(brace: number): number {
    const next = brace + 1;
    return this.text.charCodeAt(next) === SEMICOLON ? next + 1 : next;
  }
  private beginsItem(from: number): boolean {
    const { text } = this;
    const line = nextLine(text, lineEnd(text, from));
    this.seen = Math.max(this.seen, line.from >= text.length ? Infinity : lineEnd(text, line.from) + 1);
    if (line.from >= text.length) return true;
    const words = lineText(text, line.from);
    return line.indent <= this.margin && ITEM_LINE.test(words) && !LABEL.test(words);
  }
  /** `operator=`, `==`, `<=`, … */
  private isOperator(): boolean {
    const { text, at } = this;
    return text[at + 1] === '=' || /[=!<>]/.test(text[at - 1] ?? '') || /operator\s*\S?$/.test(text.slice(Math.max(0, at - 12), at));
  }
}

/** Behind the angle brackets that begin soonest. */
function endOfAngles(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < Math.min(text.length, from + 2000); at++) {
    if (text[at] === '<') depth++;
    else if (text[at] === '>' && text[at - 1] !== '-' && --depth <= 0) return at + 1;
    else if (text[at] === '{' || text[at] === ';') break;
  }
  return from;
}
function trimmedEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start + 1 && text.charCodeAt(at - 1) <= 32) at--;
  return at;
}
function withoutComments(text: string): string {
  return text.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, ' ');
}
