/** Small helpers over syntax nodes that both front ends use. Nothing outside this folder sees a node. */
import type { Node } from 'web-tree-sitter';
import type { Expr, Span } from '../model';

export type { Node };

/** Named children without comments. */
export function parts(node: Node): Node[] {
  return node.namedChildren.filter((c) => !c.isExtra);
}
export function field(node: Node, name: string): Node | null {
  return node.childForFieldName(name);
}
export function spanOf(node: Node, base: number): Span {
  return { start: node.startIndex - base, end: node.endIndex - base };
}
export function opaque(span: Span, ...inner: Expr[]): Expr {
  return { kind: 'opaque', parts: inner, span };
}

/** Integer literals of C, C++ and Rust, with suffixes and digit separators; undefined for floats and the malformed. */
export function integer(text: string): bigint | undefined {
  const plain = text.replace(/['_]/g, '').replace(/(?:[uUlLzZ]+|[iu](?:8|16|32|64|128|size))$/, '');
  const octal = /^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain;
  // the C grammar takes a sign into the literal
  if (/^[-+]/.test(octal)) {
    const value = integer(text.trim().slice(1));
    return octal[0] === '-' && value !== undefined ? -value : value;
  }
  if (!/^(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+)$/.test(octal)) return undefined;
  return BigInt(octal.toLowerCase());
}

/** Declared locals of one function: innermost scope last. */
export class Scopes {
  private readonly stack: Map<string, string>[] = [new Map()];
  private readonly used = new Map<string, number>();

  constructor(private readonly owner: string, private readonly outer?: Scopes) {}

  push(): void { this.stack.push(new Map()); }
  pop(): void { this.stack.pop(); }
  /** A fresh id for `name` in the innermost scope. */
  declare(name: string): string {
    const count = (this.used.get(name) ?? 0) + 1;
    this.used.set(name, count);
    const id = count === 1 ? `${name}~${this.owner}` : `${name}~${this.owner}~${count}`;
    this.stack[this.stack.length - 1]!.set(name, id);
    return id;
  }
  lookup(name: string): string | undefined {
    for (let i = this.stack.length - 1; i >= 0; i--) {
      const id = this.stack[i]!.get(name);
      if (id !== undefined) return id;
    }
    return this.outer?.lookup(name);
  }
}
