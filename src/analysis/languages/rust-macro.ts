/** Code inside macros of Rust: where their tokens can be read as expressions or statements, they are. */
import type { Tree } from 'web-tree-sitter';
import { field, parts, type Node } from './syntax';

/** Parses text of its own; the caller deletes the tree. */
export type Parse = (text: string) => Tree;

/** What tokens mean when read again: nodes of a tree of their own, whose offsets are `offset` from the tokens'. */
export type Reading =
  | { kind: 'arguments'; nodes: Node[]; offset: number }
  | { kind: 'block'; block: Node; offset: number };

/** Macros whose tokens are no code of this place. */
const NO_CODE = /^(?:macro_rules|quote\w*|parse_quote|stringify|concat|include\w*|env|option_env|cfg|compile_error|asm|global_asm|thread_local|lazy_static|bitflags)$/;
/** Worth a second look: calls, blocks and `?`; a mere list of names is known from its tokens. */
const CODE = /[\w>!?)]\s*[([{]|\.await|\?|=>|\|/;

/** Reads a macro's tokens as arguments or as statements and hands them over while their tree lives; false when they are neither. */
export function readTokens(name: string, tokens: Node, parse: Parse, use: (reading: Reading) => void): boolean {
  const inner = tokens.text.slice(1, -1);
  if (NO_CODE.test(name) || !CODE.test(inner)) return false;
  const start = tokens.startIndex + 1;
  return readArguments(inner, start, parse, use) || readBlock(inner, start, parse, use) || firstArgument(tokens, parse, use);
}

function readArguments(text: string, start: number, parse: Parse, use: (reading: Reading) => void): boolean {
  // `vec![value; count]` is an array in all but name
  for (const [before, after] of [['fn f(){m(', '\n);}'], ['fn f(){[', '\n];}']] as const) {
    const read = withTree(parse, before + text + after, (tree) => {
      const list = statementOf(tree);
      const nodes = list?.type === 'call_expression' ? field(list, 'arguments') : list?.type === 'array_expression' ? list : null;
      if (!nodes) return false;
      use({ kind: 'arguments', nodes: parts(nodes), offset: start - before.length });
      return true;
    });
    if (read) return true;
  }
  return false;
}
function readBlock(text: string, start: number, parse: Parse, use: (reading: Reading) => void): boolean {
  const before = 'fn f()';
  return withTree(parse, `${before}{${text}\n}`, (tree) => {
    const item = tree.rootNode.namedChildren[0];
    const block = item?.type === 'function_item' ? field(item, 'body') : null;
    if (!block || tree.rootNode.namedChildCount !== 1) return false;
    use({ kind: 'block', block, offset: start - before.length - 1 });
    return true;
  });
}
/** `matches!(value, pattern)`: what follows may be no expression. */
function firstArgument(tokens: Node, parse: Parse, use: (reading: Reading) => void): boolean {
  const comma = tokens.children.find((c) => c.type === ',');
  return comma !== undefined && readArguments(tokens.text.slice(1, comma.startIndex - tokens.startIndex), tokens.startIndex + 1, parse, use);
}

/** One arm of `select!`, in pieces of source text with where they begin. */
export interface Arm { pattern: Piece | undefined; future: Piece | undefined; guard: Piece | undefined; handler: Piece }
export interface Piece { text: string; start: number }

/** The arms of `select! { pattern = future, if guard => handler, … }`; undefined when they are none. */
export function selectArms(tokens: Node): Arm[] | undefined {
  const all = tokens.children.slice(1, -1).filter((c) => !c.isExtra);
  const piece = (from: number, to: number): Piece | undefined => {
    const [a, b] = [all[from], all[to - 1]];
    return a && b && from < to ? { text: tokens.text.slice(a.startIndex - tokens.startIndex, b.endIndex - tokens.startIndex), start: a.startIndex } : undefined;
  };
  const next = (type: string, from: number, to = all.length): number => {
    for (let i = from; i < to; i++) if (all[i]!.type === type) return i;
    return -1;
  };
  const arms: Arm[] = [];
  let at = all[0]?.text === 'biased' && all[1]?.type === ';' ? 2 : 0;
  while (at < all.length) {
    const arrow = next('=>', at);
    if (arrow < 0) return undefined;
    const equals = next('=', at, arrow);
    let guardAt = -1;
    for (let i = Math.max(equals, at); i + 1 < arrow; i++) if (all[i]!.type === ',' && all[i + 1]!.type === 'if') guardAt = i;
    const body = all[arrow + 1];
    // a block ends an arm, with or without a comma
    const isBlock = body?.type === 'token_tree' && body.children[0]?.type === '{';
    const comma = isBlock ? (all[arrow + 2]?.type === ',' ? arrow + 2 : -1) : next(',', arrow + 1);
    const end = isBlock ? arrow + 2 : comma < 0 ? all.length : comma;
    const handler = piece(arrow + 1, end);
    if (!handler) return undefined;
    const alone = equals < 0;
    arms.push({
      pattern: alone ? undefined : piece(at, equals),
      future: alone ? undefined : piece(equals + 1, guardAt < 0 ? arrow : guardAt),
      guard: guardAt < 0 ? undefined : piece(guardAt + 2, arrow),
      handler,
    });
    at = comma >= 0 ? comma + 1 : end;
  }
  return arms.length ? arms : undefined;
}

/** Reads one expression or pattern; false when it is none. */
export function readPiece(piece: Piece, as: 'expression' | 'pattern', parse: Parse, use: (node: Node, offset: number) => void): boolean {
  const before = as === 'expression' ? 'fn f(){(' : 'fn f(){let ';
  const after = as === 'expression' ? '\n);}' : '\n= 0;}';
  return withTree(parse, before + piece.text + after, (tree) => {
    const statement = statementOf(tree);
    const node = as === 'expression' ? statement && parts(statement)[0] : statement && field(statement, 'pattern');
    if (!node) return false;
    use(node, piece.start - before.length);
    return true;
  });
}

/** The only statement of the only function, without its semicolon. */
function statementOf(tree: Tree): Node | undefined {
  const item = tree.rootNode.namedChildren[0];
  const body = item?.type === 'function_item' && tree.rootNode.namedChildCount === 1 ? field(item, 'body') : null;
  const statements = body ? parts(body) : [];
  if (statements.length !== 1) return undefined;
  return statements[0]!.type === 'expression_statement' ? parts(statements[0]!)[0] : statements[0];
}

function withTree(parse: Parse, text: string, use: (tree: Tree) => boolean): boolean {
  const tree = parse(text);
  try {
    return !tree.rootNode.hasError && use(tree);
  } finally {
    tree.delete();
  }
}
