/** Comments, a line at a time: enough for words that are spoken to the analysis. */

/** A line from its first comment on; undefined where there is only code, or text in quotes. */
export function commentIn(line: string): string | undefined {
  return from(line, /\/\/|\/\*|^\s*\*(?!\/)/);
}
/** What stands in front of a cursor from the comment on that the cursor is in; undefined in code and in text in quotes. */
export function commentBefore(cursor: string): string | undefined {
  return from(cursor, /\/\/|\/\*(?!.*\*\/)|^\s*\*(?!\/)/);
}
function from(line: string, beginning: RegExp): string | undefined {
  const code = line.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'/g, (quoted) => ' '.repeat(quoted.length));
  const start = code.search(beginning);
  return start < 0 || /"/.test(code.slice(0, start)) ? undefined : line.slice(start);
}
