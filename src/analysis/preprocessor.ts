/** Which conditions of the preprocessor a place in C or C++ stands under. */

interface Region { start: number; end: number; condition: string }

/** The conditional stretches of a text; the condition of an `#else` is the negation of those before it. */
export function conditionalRegions(text: string): Region[] {
  const out: Region[] = [];
  const open: { start: number; condition: string; before: string[] }[] = [];
  for (let line = nextDirective(text, 0); line; line = nextDirective(text, line.end)) {
    const top = open.at(-1);
    if (line.word === 'if' || line.word === 'ifdef' || line.word === 'ifndef') {
      open.push({ start: line.end, condition: conditionOf(line.word, line.rest), before: [] });
      continue;
    }
    if (!top) continue;
    out.push({ start: top.start, end: line.start, condition: top.condition });
    if (line.word === 'endif') open.pop();
    else {
      const before = [...top.before, top.condition];
      const negated = before.map((c) => `!(${c})`).join(' && ');
      const own = line.word === 'else' ? '' : conditionOf(line.word.slice(2), line.rest);
      Object.assign(top, { start: line.end, before, condition: own ? `${negated} && ${own}` : negated });
    }
  }
  return out;
}
function conditionOf(word: string, rest: string): string {
  return word === 'ifdef' ? `defined(${rest})` : word === 'ifndef' ? `!defined(${rest})` : rest;
}

const DIRECTIVE = /[ \t]*#[ \t]*(ifdef|ifndef|if|elifdef|elifndef|elif|else|endif)\b((?:[^\n\\]|\\\r?\n|\\.)*)/y;
function nextDirective(text: string, from: number): { word: string; rest: string; start: number; end: number } | undefined {
  for (let hash = text.indexOf('#', from); hash >= 0; hash = text.indexOf('#', hash + 1)) {
    const start = text.lastIndexOf('\n', hash) + 1;
    DIRECTIVE.lastIndex = start;
    const m = start >= from || from === 0 ? DIRECTIVE.exec(text) : null;
    if (m) return { word: m[1]!, rest: m[2]!.replace(/\/\*.*?\*\/|\/\/.*$/gs, '').trim(), start, end: start + m[0].length };
  }
  return undefined;
}
