/** Where tokens, lines and directives of C and C++ end, without a tree. */

export const NEWLINE = 10;
export const QUOTE = 34;
export const APOSTROPHE = 39;

/** Behind blanks and comments. */
export function skipBlank(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 47) {
      const end = skipComment(text, at);
      if (end === at) return at;
      at = end - 1;
    } else if (c > 32 && c !== 0xfeff && !(c === 92 && (text[at + 1] === '\n' || text[at + 1] === '\r'))) return at;
  }
  return at;
}
function skipComment(text: string, at: number): number {
  const next = text.charCodeAt(at + 1);
  if (next === 47) return lineEnd(text, at);
  if (next !== 42) return at;
  const end = text.indexOf('*/', at + 2);
  return end < 0 ? text.length : end + 2;
}
/** Behind the comment, string or character that begins here; `at` when none does. */
export function skipToken(text: string, at: number): number {
  const c = text.charCodeAt(at);
  if (c === 47) return skipComment(text, at);
  if (c === QUOTE) return text[at - 1] === 'R' ? skipRaw(text, at) : skipQuoted(text, at, QUOTE);
  // 1'000
  if (c === APOSTROPHE && !(/[0-9a-fA-F]/.test(text[at - 1] ?? '') && /[0-9a-fA-F]/.test(text[at + 1] ?? '') && text[at + 2] !== "'")) return skipQuoted(text, at, APOSTROPHE);
  return at;
}
/** An unfinished string ends with its line. */
function skipQuoted(text: string, from: number, quote: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === quote) return at + 1;
    if (c === NEWLINE) return at;
    if (c === 92) at += text[at + 1] === '\r' && text[at + 2] === '\n' ? 2 : 1;
  }
  return text.length;
}
function skipRaw(text: string, at: number): number {
  const delimiter = /^"([^\s()\\]{0,16})\(/.exec(text.slice(at, at + 20))?.[1];
  if (delimiter === undefined) return skipQuoted(text, at, QUOTE);
  const end = text.indexOf(`)${delimiter}"`, at);
  return end < 0 ? skipQuoted(text, at, QUOTE) : end + delimiter.length + 2;
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}
export function lineText(text: string, from: number): string {
  return text.slice(from, Math.min(lineEnd(text, from), from + 200));
}
/** Columns of blanks, a tab being eight. */
export function indentation(text: string, from: number): number {
  let column = 0;
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 9) column += 8 - (column % 8);
    else if (c === 32) column++;
    else break;
  }
  return column;
}
/** The first word of the next line that is not blank, behind the line break at `end`. */
export function nextLine(text: string, end: number): { from: number; indent: number; blank: boolean } {
  let start = end + 1;
  let blank = false;
  for (;;) {
    let at = start;
    while (at < text.length && (text[at] === ' ' || text[at] === '\t' || text[at] === '\r')) at++;
    if (at >= text.length || text.charCodeAt(at) !== NEWLINE) return { from: Math.min(at, text.length), indent: indentation(text, start), blank };
    blank = true;
    start = at + 1;
  }
}
/** The end of a directive, with the lines it goes on in. */
export function endOfDirective(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === NEWLINE) return text[at - 1] === '\r' ? at - 1 : at;
    if (c === 92) at += text[at + 1] === '\r' ? 2 : 1;
    else if (c === 47 && text.charCodeAt(at + 1) === 42) at = skipComment(text, at) - 1;
    else if (c === 47 && text.charCodeAt(at + 1) === 47) {
      const end = lineEnd(text, at);
      return text[end - 1] === '\r' ? end - 1 : end;
    }
  }
  return text.length;
}
