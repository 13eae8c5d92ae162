/** Branches of the preprocessor that are no code, or not all at once. */
import { lineEnd, lineText } from './c-text';

const CONDITIONAL = /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b.*$/gm;
/** Where the branch of an `#if 0` ends, and whether another follows; undefined for other directives. */
export function deadBranch(text: string, at: number): { end: number; goesOn: boolean } | undefined {
  if (!/^#\s*if\s+0\s*(?:$|\/)/m.test(lineText(text, at))) return undefined;
  let depth = 0;
  CONDITIONAL.lastIndex = lineEnd(text, at);
  for (let m = CONDITIONAL.exec(text); m; m = CONDITIONAL.exec(text)) {
    if (m[1]!.startsWith('if')) depth++;
    else if (depth === 0) return { end: m.index + m[0].length, goesOn: m[1] !== 'endif' };
    else if (m[1] === 'endif') depth--;
  }
  return { end: text.length, goesOn: false };
}

/** The text of an item without the branches of `#if 0`, of the same length. */
export function withoutDead(text: string): string {
  if (!/^[ \t]*#\s*if\s+0\b/m.test(text)) return text;
  let out = text;
  for (const m of text.matchAll(/^[ \t]*#\s*if\s+0\b.*$/gm)) {
    const start = m.index + m[0].indexOf('#');
    const dead = deadBranch(text, start);
    const end = dead ? text.lastIndexOf('\n', dead.end - 1) : -1;
    const from = m.index + m[0].length;
    if (end > from) out = out.slice(0, from) + blank(out.slice(from, end)) + out.slice(end);
  }
  return out;
}
/** The text of an item with the first branch of each `#if` alone, of the same length; undefined when it has none. */
export function firstBranches(text: string): string | undefined {
  let out = '';
  let done = 0;
  let depth = 0;
  /** the depth of the group whose later branches these are */
  let skipping: number | undefined;
  CONDITIONAL.lastIndex = 0;
  for (let m = CONDITIONAL.exec(text); m; m = CONDITIONAL.exec(text)) {
    const end = m.index + m[0].length;
    const part = text.slice(done, m.index);
    out += (skipping === undefined ? part : blank(part)) + blank(text.slice(m.index, end));
    done = end;
    if (m[1]!.startsWith('if')) depth++;
    else if (m[1] === 'endif') {
      depth--;
      if (skipping !== undefined && depth < skipping) skipping = undefined;
    } else skipping ??= depth;
  }
  const rest = text.slice(done);
  return done ? out + (skipping === undefined ? rest : blank(rest)) : undefined;
}
function blank(text: string): string {
  return text.replace(/[^\n\r]/g, ' ');
}
