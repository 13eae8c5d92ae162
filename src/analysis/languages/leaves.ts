/** The smallest items of a file, kept with all that was made of them as long as their text stays. */
import type { FileFacts, Mention, Unit } from '../model';
import type { Node } from './syntax';

/** What one item says. */
export type LeafFacts = Pick<FileFacts, 'includes' | 'imports' | 'functions' | 'fields' | 'structures' | 'constants' | 'macros' | 'globals' | 'damaged'>;
export interface Leaf { unit: Unit; facts: LeafFacts; mentions: Mention[] }

/** Versions an item outlives its last use: an unfinished brace makes the items behind it go and come back. */
const KEEP = 16;

export function emptyFacts(): LeafFacts {
  return { includes: [], imports: [], functions: [], fields: [], structures: [], constants: new Map(), macros: new Map(), globals: [], damaged: false };
}

export class Leaves {
  private version = 0;
  private readonly kept = new Map<string, { leaf: Leaf; used: number }[]>();

  /** Facts of a file are gathered anew from here on. */
  next(): void {
    this.version++;
    if (this.version % KEEP) return;
    for (const [key, list] of this.kept) {
      const young = list.filter((e) => e.used >= this.version - KEEP);
      if (young.length) this.kept.set(key, young);
      else this.kept.delete(key);
    }
  }

  /** The item at a node, moved to where it is now; `text` and `owner` are all that its facts depend on. */
  take(node: Node, text: string, owner: string, make: (unit: Unit) => Omit<Leaf, 'unit'>): Leaf {
    const key = `${node.type} ${owner}${node.hasError ? ' damaged' : ''}\n${text}`;
    let list = this.kept.get(key);
    if (!list) this.kept.set(key, (list = []));
    // two items may have the same text
    let entry = list.find((e) => e.used !== this.version);
    if (!entry) {
      const unit = { base: node.startIndex };
      list.push((entry = { leaf: { unit, ...make(unit) }, used: 0 }));
    }
    entry.used = this.version;
    entry.leaf.unit.base = node.startIndex;
    return entry.leaf;
  }
}

/** Adds the items of a file up, in their order. */
export function addUp(language: FileFacts['language'], leaves: Leaf[], damaged: boolean): FileFacts {
  const facts: FileFacts = { language, ...emptyFacts(), damaged, mentions: leaves };
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
