/**
 * Macros and extensions that no grammar knows, taken out of an item so that it can be parsed. Texts keep their length, so that
 * every offset stays. Only what cannot be parsed as it stands is repaired.
 */
import type { Node } from './syntax';

/** Words that say something to the compiler alone, where they stand among others. */
const ATTRIBUTE_WORD = /\b(?:\w*_unused(?:__)?|\w*UNUSED|g_autofree|coroutine_(?:fn|mixed_fn)|GRAPH_\w+LOCK(?:_PTR)?|_Atomic|__(?:user|kernel|iomem|force|percpu|rcu|init|exit|cold|hot|used|weak|packed|must_check))\b(?=\s*[A-Za-z_*])/g;
const SUBSTITUTES: readonly (readonly [pattern: RegExp, keep: (m: RegExpExecArray) => string])[] = [
  // `container_of(p, struct request, link)`, `va_arg(ap, struct request *)`
  [/([,(]\s*)((?:const\s+)?(?:struct|union|enum)\s+)(\w+)([\s*]*)(?=[,)])/g, (m) => m[1]! + blanked(m[2]!) + m[3]! + blanked(m[4]!)],
  [/(\bva_arg\s*\([^(),]+,\s*)([^()]+)(?=\))/g, (m) => `${m[1]!}0${blanked(m[2]!).slice(1)}`],
  [/([,(]\s*\w+)(\s*\*+\s*)(?=[,)])/g, (m) => m[1]! + blanked(m[2]!)],
  // `INLINE type name(…)`, `name(…) NOTHROW {`
  [/^([ \t]*(?:(?:static|inline|virtual|extern)\s+)*)([A-Z][A-Z0-9_]{3,})(?=\s+(?:(?:static|inline|const|unsigned|struct)\s+)*[\w:]+(?:<[^<>;]*>)?[\s*&]+[\w:~]+\s*\()/gm, (m) => m[1]! + blanked(m[2]!)],
  [/(\)\s*(?:const\s+)?)([A-Z][A-Z0-9_]{3,})(?=\s*\{)/g, (m) => m[1]! + blanked(m[2]!)],
  // "%" PRIu64 "\n" where the parser takes the word for something else
  [/("(?:[^"\\\n]|\\.)*"\s*)([A-Z][A-Z0-9_]*\w*)(?=\s*[",)])/g, (m) => m[1]! + blanked(m[2]!)],
  [/([(,]\s*)([A-Z][A-Z0-9_]*)(\s+")/g, (m) => m[1]! + blanked(m[2]!) + m[3]!],
  // case 1 ... 5:
  [/(\bcase\s+[^:;{}?]+?)(\.\.\.[^:;{}?]+)(?=:)/g, (m) => m[1]! + blanked(m[2]!)],
  [/(\bg_auto(?:ptr)?\s*\()(\w+)(\))(?=\s*\w)/g, (m) => blanked(m[1]!) + m[2]! + blanked(m[3]!)],
  // `delete[] (char *)p`: the brackets are taken for a lambda's
  [/(\bdelete\s*)(\[\s*\])(?=\s*\()/g, (m) => m[1]! + blanked(m[2]!)],
  // `new(T)`: the brackets are taken for those of a placement
  [/(\bnew\s*)(\()(\s*[\w:]+\s*)(\))(?=\s*[;,)])/g, (m) => `${m[1]!} ${m[3]!} `],
  // modules of C++20
  [/^([ \t]*)((?:export\s+)?(?:module|import)\b[^;{}()=]*;)/gm, (m) => m[1]! + blanked(m[2]!)],
  [/^([ \t]*)(export)(?=\s+[\w[:])/gm, (m) => m[1]! + blanked(m[2]!)],
  [ATTRIBUTE_WORD, (m) => blanked(m[0])],
];

/** The text without what is known to confuse the parser. */
export function withoutExtensions(text: string): string {
  let out = withLoopBodies(withSemicolons(text));
  for (const [pattern, keep] of SUBSTITUTES) {
    pattern.lastIndex = 0;
    let done = 0;
    let next = '';
    for (let m = pattern.exec(out); m; m = pattern.exec(out)) {
      // casts and sizeof take a type in parentheses; a parameter has a name
      if (m[1] === undefined || !/^\(/.test(m[1]) || !isTypeInParentheses(out, m)) {
        next += out.slice(done, m.index) + keep(m);
        done = m.index + m[0].length;
      }
    }
    if (done) out = next + out.slice(done);
  }
  return out;
}
/**
 * `CHECK(rc)` on a line of its own: a macro that brings its semicolon, or a block, along. The blank or line break behind it
 * becomes the semicolon, for the parser. `lines`: only before a line that begins like a declaration, which would parse as one with it.
 */
export function withSemicolons(text: string, lines = false): string {
  let out = text;
  for (const m of text.matchAll(/(?<=[;{}\n)])[ \t]*([A-Z][A-Z0-9_]{1,})[ \t]*\(/g)) {
    const at = behindBracket(text, m.index + m[0].length);
    const behind = /^([ \t]*)(\r?\n|[ \t])\s*(?=[\w}])(?!(?:else|while)\b)/.exec(text.slice(at, at + 200));
    // in front of a function it is an attribute
    if (!behind || !text.slice(0, m.index).includes('{')) continue;
    if (lines && (!behind[2]!.endsWith('\n') || /EACH|FOR|ENTRY|TYPE|ATTR|DECL|DEFINE|UNUSED|LIST|CASE|^IF|WHILE/.test(m[1]!) || !/^\s*(?:const\s+|struct\s+|auto\b|unsigned\s+)*[\w:]+(?:<[^;\n]*>)?[\s*&]+\w+\s*(?:=|;|\[|\{|,)/.test(text.slice(at)))) continue;
    out = `${out.slice(0, at)};${out.slice(at + 1)}`;
  }
  return out;
}
/**
 * `io_uring_for_each_cqe(…)` and, on lines of its own, the one assignment or call it repeats: the parser would take both for one
 * expression. The line breaks around it become braces.
 */
function withLoopBodies(text: string): string {
  let out = text;
  for (const m of text.matchAll(/\b\w*for_?each\w*[ \t]*\(/gi)) {
    const end = behindBracket(text, m.index + m[0].length);
    const gap = /^[ \t]*\r?\n[ \t]*(?=[\w*(+-])(?!(?:if|for|while|do|switch|return|break|continue|goto|else)\b)/.exec(text.slice(end, end + 200));
    const body = gap && /^[^;{}\n]*;(?=[ \t]*\r?\n)/.exec(text.slice(end + gap[0].length));
    if (!body) continue;
    const [open, close] = [text.indexOf('\n', end), text.indexOf('\n', end + gap[0].length)];
    out = `${out.slice(0, open)}{${out.slice(open + 1, close)}}${out.slice(close + 1)}`;
  }
  return out;
}
/** Behind the bracket that closes the one in front of `from`. */
function behindBracket(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < text.length && depth > 0; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    else if (text[at] === '"' || text[at] === "'") at = endOfLiteral(text, at);
  }
  return at;
}
function endOfLiteral(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[start] || text[i] === '\n') return i;
  }
  return text.length;
}
/** `(struct request *)`, as casts and `sizeof` have it. */
function isTypeInParentheses(text: string, m: RegExpExecArray): boolean {
  return text[m.index + m[0].length] === ')' && (!/\w\s*$/.test(text.slice(Math.max(0, m.index - 30), m.index)) || /\b(?:sizeof|alignof|_Alignof|typeof|return|case)\s*$/.test(text.slice(Math.max(0, m.index - 12), m.index)));
}

/** The text without the first word in front of a function's body that the parser could do nothing with; undefined when there is none. */
export function withoutStrangeWord(root: Node, text: string): string | undefined {
  const definition = root.namedChildren.find((c) => c.type === 'function_definition' || c.type === 'template_declaration') ?? root;
  const body = text.indexOf('{');
  for (const error of errorsBefore(definition === root ? root : root, body < 0 ? text.length : body)) {
    const word = error.text.trim();
    if (!/^\w+(?:\s*\([^()]*\))?$/.test(word)) continue;
    const before = error.previousNamedSibling;
    // `MACRO int f(…)`: the macro was taken for the type
    const taken = before && /^\w+$/.test(before.text) && before.endIndex <= error.startIndex && (isMacroName(before.text) || isPrimitive(word)) && !isMacroName(word) ? before : error;
    return text.slice(0, taken.startIndex) + blanked(text.slice(taken.startIndex, taken.endIndex)) + text.slice(taken.endIndex);
  }
  return undefined;
}
function* errorsBefore(root: Node, end: number): Generator<Node> {
  const stack = [root];
  for (let n = stack.pop(); n; n = stack.pop()) {
    if (n.isError && n !== root) yield n;
    for (const c of [...n.children].reverse()) if ((c.hasError || c.isError) && c.startIndex < end) stack.push(c);
  }
}
function isMacroName(word: string): boolean {
  return /^[A-Z][A-Z0-9_]+$/.test(word) || /_fn$|inline|unused|attribute|noreturn|hidden|nonnull/.test(word);
}
function isPrimitive(word: string): boolean {
  return /^(?:void|bool|char|short|int|long|unsigned|signed|float|double|s?size_t|u?int\d+_t|struct|union|enum|static|const)$/.test(word);
}
function blanked(text: string): string {
  return text.replace(/[^\n\r]/g, ' ');
}
