/** Source text to facts, version after version: what a file's language knows of itself. */
import type { Language } from '../../protocol/analysis';
import type { FileFacts } from '../model';
import type { Grammars, Tree } from '../parser';
import { CFile } from './c-file';
import { rustFacts } from './rust-file';
import type { Node } from './syntax';
import { difference } from './text';

export interface NameAt { text: string; start: number; end: number }
export interface FrontEnd {
  /** The facts of the text as it is now. The grammar has to be open. Throws when the parser fails; the next call starts anew. */
  facts(text: string): FileFacts;
  /** The name at an offset in that text, where it is code and not comment or string. */
  nameAt(offset: number): NameAt | undefined;
  /** Deletes what the parser made. */
  drop(): void;
}

export function frontEnd(language: Language, grammars: Grammars): FrontEnd {
  return language === 'rust' ? new RustFrontEnd(grammars) : new CFrontEnd(language, grammars);
}

class CFrontEnd implements FrontEnd {
  private readonly parse = (text: string): Tree => this.grammars.parse(this.language, text);
  private file: CFile;

  constructor(private readonly language: 'c' | 'cpp', private readonly grammars: Grammars) {
    this.file = new CFile(language, this.parse);
  }
  facts(text: string): FileFacts {
    return this.file.facts(text);
  }
  nameAt(offset: number): NameAt | undefined {
    const item = this.file.itemAt(offset);
    if (!item) return undefined;
    const tree = this.parse(`${item.text}\n`);
    try {
      const name = nameAt(tree, offset - item.start);
      return name && { text: name.text, start: item.start + name.start, end: item.start + name.end };
    } finally {
      tree.delete();
    }
  }
  drop(): void {
    this.file = new CFile(this.language, this.parse);
  }
}

/** Keeps the tree, which follows the edits. */
class RustFrontEnd implements FrontEnd {
  private tree: Tree | undefined;
  private text = '';

  constructor(private readonly grammars: Grammars) {}

  facts(text: string): FileFacts {
    const old = this.tree && edited(this.tree, this.text, text);
    let tree: Tree;
    try {
      tree = this.grammars.parse('rust', text, old);
    } catch (error) {
      this.drop();
      throw error;
    }
    this.tree?.delete();
    this.tree = tree;
    this.text = text;
    return rustFacts(tree, (t) => this.grammars.parse('rust', t));
  }
  nameAt(offset: number): NameAt | undefined {
    return this.tree && nameAt(this.tree, offset);
  }
  drop(): void {
    this.tree?.delete();
    this.tree = undefined;
    this.text = '';
  }
}

function nameAt(tree: Tree, offset: number): NameAt | undefined {
  const node: Node | null = tree.rootNode.namedDescendantForIndex(offset);
  return node && /identifier$|^primitive_type$/.test(node.type) && node.namedChildCount === 0 ? { text: node.text, start: node.startIndex, end: node.endIndex } : undefined;
}

/** Tells the old tree what changed. */
function edited(tree: Tree, before: string, after: string): Tree {
  const { start, oldEnd, newEnd } = difference(before, after);
  if (start === before.length && start === after.length) return tree;
  tree.edit({
    startIndex: start, oldEndIndex: oldEnd, newEndIndex: newEnd,
    startPosition: point(before, start), oldEndPosition: point(before, oldEnd), newEndPosition: point(after, newEnd),
    editPoint: (p, index) => ({ point: p, index }), editRange: (r) => r,
  });
  return tree;
}
function point(text: string, index: number): { row: number; column: number } {
  let row = 0;
  let line = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) {
    row++;
    line = at + 1;
  }
  return { row, column: index - line };
}
