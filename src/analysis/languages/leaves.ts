/** The smallest items of a file, kept with all that was made of them as long as their text stays. */
import { changes } from '../lists';
import type { FileFacts, Func, Mention, Unit } from '../model';
import type { Node } from './syntax';

/** What one item says. */
export type LeafFacts = Pick<FileFacts, 'includes' | 'imports' | 'functions' | 'fields' | 'structures' | 'constants' | 'macros' | 'globals' | 'damaged'>;
export interface Leaf { unit: Unit; facts: LeafFacts; mentions: Mention[] }

/** Versions an item outlives its last use: an unfinished brace makes the items behind it go and come back. */
const KEEP = 16;

export function emptyFacts(): LeafFacts {
  return { includes: [], imports: [], functions: [], fields: [], structures: [], constants: new Map(), macros: new Map(), globals: [], damaged: false };
}

/** Things made of texts, each for one place at a time: two places may have the same text. */
export class Kept<T extends object> {
  private version = 0;
  private readonly byText = new Map<string, { value: T; used: number }[]>();
  private readonly entries = new WeakMap<T, { used: number }>();

  /** All of the file is looked at anew from here on. */
  next(): void {
    this.version++;
    if (this.version % KEEP) return;
    for (const [key, list] of this.byText) {
      const young = list.filter((e) => e.used >= this.version - KEEP);
      if (young.length) this.byText.set(key, young);
      else this.byText.delete(key);
    }
  }
  take(key: string, make: () => T): T {
    let list = this.byText.get(key);
    if (!list) this.byText.set(key, (list = []));
    let entry = list.find((e) => e.used !== this.version);
    if (!entry) {
      list.push((entry = { value: make(), used: 0 }));
      this.entries.set(entry.value, entry);
    }
    entry.used = this.version;
    return entry.value;
  }
  /** Something taken before has its place again. */
  use(value: T): void {
    const entry = this.entries.get(value);
    if (entry) entry.used = this.version;
  }
}

export class Leaves {
  private readonly kept = new Kept<Leaf>();

  /** Facts of a file are gathered anew from here on. */
  next(): void {
    this.kept.next();
  }
  /** An item taken before has its place again. */
  use(leaf: Leaf): void {
    this.kept.use(leaf);
  }

  /** The item at a node, moved to where it is now; `text` and `owner` are all that its facts depend on. */
  take(node: Node, text: string, owner: string, make: (unit: Unit) => Omit<Leaf, 'unit'>): Leaf {
    const leaf = this.kept.take(`${node.type} ${owner}${node.hasError ? ' damaged' : ''}\n${text}`, () => {
      const unit = { base: node.startIndex };
      return { unit, ...make(unit) };
    });
    leaf.unit.base = node.startIndex;
    return leaf;
  }
}

/** Adds the items of a file up, in their order; where only functions changed, all else is as it was. */
export class Sum {
  private leaves: Leaf[] = [];
  private facts: FileFacts | undefined;

  of(language: FileFacts['language'], leaves: Leaf[], damaged: boolean): FileFacts {
    const functions = this.facts && this.functions(leaves, this.facts.functions);
    const facts = functions ? { ...this.facts!, functions, mentions: leaves } : addedUp(language, leaves);
    this.leaves = leaves;
    this.facts = facts;
    return damaged ? { ...facts, damaged } : facts;
  }
  /** Undefined where more than functions changed. */
  private functions(leaves: Leaf[], before: Func[]): Func[] | undefined {
    const { gone, come } = changes(this.leaves, leaves);
    const first = gone.find((l) => l.facts.functions.length)?.facts.functions[0];
    if (!first || ![...gone, ...come].every(hasOnlyFunctions)) return gone.length || come.length ? undefined : before;
    const at = before.indexOf(first);
    return [...before.slice(0, at), ...come.flatMap((l) => l.facts.functions), ...before.slice(at + gone.flatMap((l) => l.facts.functions).length)];
  }
}
function hasOnlyFunctions({ facts }: Leaf): boolean {
  return !(facts.damaged || facts.includes.length || facts.imports.length || facts.fields.length || facts.structures.length || facts.globals.length || facts.constants.size || facts.macros.size);
}
function addedUp(language: FileFacts['language'], leaves: Leaf[]): FileFacts {
  const facts: FileFacts = { language, ...emptyFacts(), mentions: leaves };
  for (const { facts: f } of leaves) {
    facts.includes.push(...f.includes);
    facts.imports.push(...f.imports);
    facts.functions.push(...f.functions);
    facts.fields.push(...f.fields);
    facts.structures.push(...f.structures);
    facts.globals.push(...f.globals);
    facts.damaged ||= f.damaged;
    for (const [name, values] of f.constants) facts.constants.set(name, [...(facts.constants.get(name) ?? []), ...values]);
    for (const [name, body] of f.macros) facts.macros.set(name, body);
  }
  return facts;
}
