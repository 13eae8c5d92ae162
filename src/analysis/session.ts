/** One open document: its tree follows the edits, its last result stays until the text changes. */
import type { AnalysisOptions, AnalysisResult, Language } from '../protocol/analysis';
import { factsOf, judge, NOTHING_FOUND, prepare, type Analyser, type Prepared } from './analyse';
import { hasApiToken } from './gate';
import { Leaves } from './languages/leaves';
import type { Tree } from './parser';
import { SourceFile } from './source-file';
import { targetOf } from './target';
import type { OpenFile, Workspace } from './workspace';

interface Known { file: SourceFile; leaves: Leaves; shared: OpenFile | undefined }

export class Session {
  private tree: Tree | undefined;
  private prepared: Prepared | undefined;
  private known: Known | undefined;

  /** `workspace`: the files around this one; their headers have to be settled for the findings to be complete. */
  constructor(private readonly analyser: Analyser, readonly path: string, readonly language: Language, private readonly place = path,
    private readonly workspace?: Workspace) {}

  /** Loads the grammar when this text needs it. After it resolves, `analyse` of the same text runs to its end at once. */
  async ready(text: string): Promise<void> {
    if (hasApiToken(this.language, text)) await this.analyser.grammars.open(this.language);
  }

  /** Analyses the text as it is now: parses and analyses only what changed, and what depends on that. Throws when the parser fails; the session stays usable. */
  analyse(text: string, options: AnalysisOptions): AnalysisResult {
    if (!hasApiToken(this.language, text)) {
      this.drop();
      if (this.workspace?.has(this.path)) this.workspace.set(this.path, this.language, text, this.place);
      return NOTHING_FOUND;
    }
    const prepared = prepare(this.language, text);
    const old = this.tree && this.prepared ? edited(this.tree, this.prepared.text, prepared.text) : undefined;
    let tree: Tree;
    try {
      tree = this.analyser.grammars.parse(this.language, prepared.text, old);
    } catch (error) {
      this.drop();
      this.analyser.grammars.reset(this.language);
      throw error;
    }
    this.tree?.delete();
    this.tree = tree;
    this.prepared = prepared;
    const opened = this.known ??= this.open();
    opened.file.update(text, factsOf(this.language, { tree, prepared, text, parse: (t) => this.analyser.grammars.parse(this.language, t) }, opened.leaves), targetOf(options));
    opened.shared?.adopt(text);
    return judge(opened.file, options);
  }
  private open(): Known {
    const shared = this.workspace?.open(this.path, this.language, this.place);
    return { file: shared?.file ?? new SourceFile(this.path, this.language, this.place), leaves: new Leaves(), shared };
  }

  /** The name at an offset in the text last analysed, where it is code and not comment or string. */
  nameAt(offset: number): { text: string; start: number; end: number } | undefined {
    const node = this.tree?.rootNode.namedDescendantForIndex(offset);
    return node && /identifier$|^primitive_type$/.test(node.type) && node.namedChildCount === 0 ? { text: node.text, start: node.startIndex, end: node.endIndex } : undefined;
  }

  /** Deletes the tree; must be called when the document closes. */
  drop(): void {
    this.tree?.delete();
    this.tree = undefined;
    this.prepared = undefined;
    this.known?.shared?.close();
    this.known = undefined;
  }
}

/** Characters compared at once. */
const STRETCH = 4096;

/** Tells the old tree what changed: one replacement between the first and the last difference. */
function edited(tree: Tree, before: string, after: string): Tree {
  const least = Math.min(before.length, after.length);
  // most of the text is the same: whole stretches first
  let start = 0;
  while (start + STRETCH < least && before.slice(start, start + STRETCH) === after.slice(start, start + STRETCH)) start += STRETCH;
  while (start < least && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  let tail = 0;
  while (tail + STRETCH < least - start && before.slice(before.length - tail - STRETCH, before.length - tail) === after.slice(after.length - tail - STRETCH, after.length - tail)) tail += STRETCH;
  while (tail < least - start && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail++;
  if (start === before.length && start === after.length) return tree;
  const oldEnd = before.length - tail;
  const newEnd = after.length - tail;
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
