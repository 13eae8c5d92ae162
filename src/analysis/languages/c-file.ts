/** One C or C++ file: includes, constants, types, globals and functions. */
import type { Tree } from 'web-tree-sitter';
import { placeIn, type Expr, type FileFacts, type Func, type Mention, type Structure, type Unit } from '../model';
import { Body, loopMacroBody } from './c-body';
import { firstBranches, withoutDead } from './c-branches';
import { alignmentOf, blankAttributes, declared, typeName, type Alignments } from './c-declarator';
import { constantExpression } from './constant-text';
import { nextItem, type Item } from './c-items';
import { withoutExtensions, withoutStrangeWord, withSemicolons } from './c-repair';
import { emptyFacts, Kept, Leaves, Sum, type Leaf, type LeafFacts } from './leaves';
import { field, parts, Scopes, spanOf, type Node } from './syntax';
import { difference } from './text';

/** Items that only hold other items. */
const CONTAINERS = new Set([
  'linkage_specification', 'declaration_list', 'namespace_definition', 'preproc_if', 'preproc_ifdef', 'preproc_else', 'preproc_elif',
  'preproc_elifdef', 'template_declaration', 'ERROR', 'export_declaration',
]);

const STRUCTURES = new Set(['struct_specifier', 'union_specifier', 'class_specifier']);

/** Parses a text; the caller deletes the tree. */
export type Parse = (text: string) => Tree;

/** The facts of one file, version after version: only items whose text changed are parsed. */
export class CFile {
  private text = '';
  private items: Entry[] = [];
  private readonly leaves = new Leaves();
  private readonly kept = new Kept<Parsed>();
  private readonly sum = new Sum();

  constructor(private readonly language: 'c' | 'cpp', private readonly parse: Parse) {}

  /** Throws when the parser fails; the next call starts anew. */
  facts(text: string): FileFacts {
    this.leaves.next();
    this.kept.next();
    try {
      this.items = this.renewed(text);
      this.text = text;
    } catch (error) {
      this.items = [];
      this.text = '';
      throw error;
    }
    const leaves: Leaf[] = [];
    let damaged = false;
    for (const { item, parsed } of this.items) {
      damaged ||= parsed.damaged;
      for (const { leaf, offset } of parsed.leaves) {
        leaf.unit.base = item.start + offset;
        leaves.push(leaf);
      }
    }
    return this.sum.of(this.language, leaves, damaged);
  }

  /** The item around an offset, with the text of it that was parsed. */
  itemAt(offset: number): { start: number; text: string } | undefined {
    const item = this.items.find((e) => e.item.start <= offset && offset <= e.item.end)?.item;
    return item && { start: item.start, text: blankAttributes(withoutDead(this.text.slice(item.start, item.end))).text };
  }

  /** The items of a text: those before and behind what changed are the same as they were. */
  private renewed(text: string): Entry[] {
    const { start, oldEnd, newEnd } = difference(this.text, text);
    const old = this.items;
    const out: Entry[] = [];
    while (out.length < old.length && old[out.length]!.item.seen <= start) out.push(old[out.length]!);
    const grown = newEnd - oldEnd;
    let next = old.findIndex((e) => e.item.start >= oldEnd);
    if (next < 0) next = old.length;
    for (const { parsed } of [...out, ...old.slice(next)]) {
      this.kept.use(parsed);
      for (const { leaf } of parsed.leaves) this.leaves.use(leaf);
    }
    for (let at = out.at(-1)?.item.end ?? 0; ;) {
      const item = nextItem(text, at);
      if (!item) return out;
      while (next < old.length && old[next]!.item.start + grown < item.start) next++;
      const same = old[next];
      if (same && item.start >= newEnd && same.item.start + grown === item.start) {
        for (const { item: i, parsed } of old.slice(next)) out.push({ item: { start: i.start + grown, end: i.end + grown, seen: i.seen + grown }, parsed });
        return out;
      }
      out.push({ item, parsed: this.parsed(text.slice(item.start, item.end)) });
      at = item.end;
    }
  }

  private parsed(source: string): Parsed {
    return this.kept.take(source, () => {
      if (source.startsWith('#') && CONDITION.test(source)) return { leaves: [{ leaf: conditionLeaf(source), offset: 0 }], damaged: false };
      const { tree, alignments } = this.tree(source);
      try {
        return itemFacts(tree, source, alignments, this.leaves);
      } finally {
        tree.delete();
      }
    });
  }
  /** The tree of an item; where it cannot be parsed as it stands, of the item without what stands in the way. */
  private tree(source: string): Parsable {
    const text = withSemicolons(withoutDead(source), true);
    const tries = [(): string | undefined => text, () => withoutExtensions(text), () => {
      const first = firstBranches(source);
      return first === undefined ? undefined : withoutExtensions(first);
    }];
    let best: Parsable | undefined;
    try {
      for (const [n, attempt] of tries.entries()) {
        let tried = attempt();
        for (let turn = 0; tried !== undefined && turn < MAX_STRANGE_WORDS; turn++) {
          if (best && tried === best.text) {
            tried = withoutStrangeWord(best.tree.rootNode, tried);
            continue;
          }
          const { text: blank, alignments } = blankAttributes(tried);
          const next: Parsable = { text: tried, tree: this.parse(`${blank}\n`), alignments };
          if (isSound(next.tree.rootNode)) {
            best?.tree.delete();
            return next;
          }
          best?.tree.delete();
          best = next;
          tried = n === 0 ? undefined : withoutStrangeWord(next.tree.rootNode, tried);
        }
      }
      return best!;
    } catch (error) {
      best?.tree.delete();
      throw error;
    }
  }
}

/** More macros in front of one function are hardly macros. */
const MAX_STRANGE_WORDS = 5;
interface Parsable { text: string; tree: Tree; alignments: Alignments }
interface Parsed { leaves: { leaf: Leaf; offset: number }[]; damaged: boolean }
interface Entry { item: Item; parsed: Parsed }

const CONDITION = /^#[ \t]*(?:if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b/;
/** Names in a condition are seen, nothing else. */
function conditionLeaf(source: string): Leaf {
  const words = source.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, (comment) => ' '.repeat(comment.length)).matchAll(/[A-Za-z_]\w*/g);
  const mentions = [...words].slice(1).filter((m) => m[0] !== 'defined').map((m): Mention => ({ text: m[0], role: 'name', start: m.index, end: m.index + m[0].length }));
  return { unit: { base: 0 }, facts: emptyFacts(), mentions };
}

/** What an item says; `source` is its text before attributes were blanked. */
function itemFacts(tree: Tree, source: string, alignments: Alignments, leaves: Leaves): Parsed {
  const out: Parsed['leaves'] = [];
  let damaged = false;
  const add = (leaf: Leaf): void => { out.push({ leaf, offset: leaf.unit.base }); };
  const visit = (node: Node, owner: string): void => {
    if (node.type === 'ERROR') damaged = true;
    if (CONTAINERS.has(node.type)) return parts(node).forEach((c) => visit(c, owner));
    if (STRUCTURES.has(node.type)) {
      const name = field(node, 'name')?.text ?? '';
      const body = field(node, 'body');
      const head = body && source.slice(node.startIndex, body.startIndex) + source.slice(body.endIndex, node.nextSibling?.endIndex ?? node.endIndex);
      if (head) add(leaves.take(node, head, owner, () => ({ facts: { ...emptyFacts(), structures: [structureOf(node, name, alignments)] }, mentions: [] })));
      return parts(node).forEach((c) => (c.type === 'field_declaration_list' ? parts(c).forEach((m) => visit(m, name)) : visit(c, owner)));
    }
    add(leaves.take(node, source.slice(node.startIndex, node.endIndex), owner, (unit) => ({
      facts: new CItem(unit, alignments, node, owner).facts, mentions: mentionsOf(node),
    })));
  };
  parts(tree.rootNode).forEach((n) => visit(n, ''));
  return { leaves: out, damaged };
}

/** `whole` is the declaration around it, where there is one. */
function structureOf(node: Node, name: string, alignments: Alignments, whole = node): Structure {
  const alignment = alignmentOf(whole, alignments, field(node, 'body'));
  return { name, union: node.type === 'union_specifier', derived: parts(node).some((c) => c.type === 'base_class_clause'), ...(alignment ? { alignment } : {}) };
}

/** Local names of different functions get different ids. */
let serial = 0;

/** One item and those in it. */
class CItem {
  readonly facts: LeafFacts = emptyFacts();

  constructor(private readonly unit: Unit, private readonly alignments: Alignments, node: Node, owner: string) {
    this.item(node, owner);
  }

  private items(nodes: Node[], owner: string): void {
    for (const node of nodes) this.item(node, owner);
  }

  private item(node: Node, owner: string): void {
    switch (node.type) {
      case 'preproc_include': return this.include(node);
      case 'preproc_def': return this.constant(field(node, 'name')?.text, constantExpression(field(node, 'value')?.text ?? ''));
      case 'preproc_function_def': {
        this.facts.macros.set(field(node, 'name')?.text ?? '', `${field(node, 'parameters')?.text ?? '()'} ${field(node, 'value')?.text ?? ''}`);
        return;
      }
      case 'function_definition': return this.definition(node, owner);
      case 'declaration': return this.declaration(node, owner);
      case 'field_declaration': return this.fieldDeclaration(node, owner);
      case 'enum_specifier': return this.enumeration(node);
      case 'struct_specifier': case 'union_specifier': case 'class_specifier': return this.structure(node, '', node);
      case 'type_definition': {
        const type = field(node, 'type');
        if (type && STRUCTURES.has(type.type)) this.structure(type, field(node, 'declarator')?.text ?? '', node);
        else if (type) this.item(type, owner);
        return;
      }
      default:
        if (node.type === 'ERROR') this.facts.damaged = true;
        if (CONTAINERS.has(node.type)) this.items(parts(node), owner);
    }
  }

  private include(node: Node): void {
    const path = field(node, 'path');
    if (!path) return;
    // the node ends behind its line break
    const span = { start: node.startIndex - this.unit.base, end: node.startIndex - this.unit.base + node.text.trimEnd().length };
    this.facts.includes.push({ name: path.text.replace(/^[<"]|[>"]$/g, ''), system: path.type === 'system_lib_string', place: placeIn(this.unit, span) });
  }

  private constant(name: string | undefined, value: Expr | undefined): void {
    if (name === undefined) return;
    const known = this.facts.constants.get(name) ?? [];
    known.push(value ?? { kind: 'opaque', parts: [], span: { start: 0, end: 0 } });
    this.facts.constants.set(name, known);
  }

  private enumeration(node: Node): void {
    const body = field(node, 'body');
    if (!body) return;
    let previous: Expr | undefined;
    let distance = 0n;
    const nowhere = { start: 0, end: 0 };
    for (const e of parts(body)) {
      if (e.type !== 'enumerator') continue;
      const written = field(e, 'value');
      if (written) {
        previous = constantExpression(written.text);
        distance = 0n;
      }
      const step: Expr = { kind: 'int', value: distance, span: nowhere };
      const implicit: Expr = previous ? { kind: 'binary', op: '+', left: previous, right: step, span: nowhere } : step;
      this.constant(field(e, 'name')?.text, written && !previous ? undefined : implicit);
      distance++;
    }
  }

  /** `other` is the name it goes by where it has none of its own; `whole` is the declaration around it. */
  private structure(node: Node, other: string, whole: Node): void {
    const name = field(node, 'name')?.text ?? other;
    const body = field(node, 'body');
    if (!body) return;
    this.facts.structures.push(structureOf(node, name, this.alignments, whole));
    this.items(parts(body), name);
  }

  private fieldDeclaration(node: Node, owner: string): void {
    const type = field(node, 'type');
    if (type) this.item(type, owner);
    const initial = field(node, 'default_value');
    for (const d of node.childrenForFieldName('declarator')) {
      const info = declared(d);
      if (!info.name || info.parameters) continue;
      const alignment = alignmentOf(node, this.alignments, type);
      this.facts.fields.push({
        owner, name: info.name.text, type: typeName(type?.text ?? ''), array: info.array, pointer: info.pointer,
        ...(alignment ? { alignment } : {}), ...(info.extent ? { extent: info.extent } : {}), ...(parts(node).some((c) => c.type === 'bitfield_clause') ? { bits: true as const } : {}), ...(initial ? { initial: true as const } : {}),
      });
      if (initial) this.global(info.name, d, node, initial);
    }
  }

  private declaration(node: Node, owner: string): void {
    const type = field(node, 'type');
    if (type && type.namedChildCount > 0) this.item(type, owner);
    const constant = parts(node).some((c) => c.type === 'type_qualifier' && /const/.test(c.text));
    for (const d of node.childrenForFieldName('declarator')) {
      const info = declared(d);
      if (!info.name || info.parameters) continue;
      const value = d.type === 'init_declarator' ? field(d, 'value') : null;
      if (constant && value && !info.pointer && !info.array) this.constant(info.name.text, constantExpression(value.text.replace(/^\{|\}$/g, '')));
      else this.global(info.name, d, node, value);
    }
  }

  private global(name: Node, declarator: Node, node: Node, value: Node | null): void {
    const holder = this.emptyFunction('', '', node);
    const body = new Body(holder, new Scopes(''), this.alignments);
    const info = declared(declarator);
    const alignment = alignmentOf(node, this.alignments);
    this.facts.globals.push({
      local: {
        name: name.text, id: name.text, type: typeName(field(node, 'type')?.text ?? ''), pointer: info.pointer, array: info.array, reference: info.reference,
        static: true, span: spanOf(name, holder.base), ...(alignment ? { alignment } : {}), ...(info.extent ? { extent: info.extent } : {}),
      },
      init: value ? body.expression(value) : undefined,
      unit: holder,
    });
  }

  private emptyFunction(name: string, owner: string, node: Node): Func {
    const { unit } = this;
    const offset = node.startIndex - unit.base;
    const span = spanOf(node, node.startIndex);
    return {
      get base() { return unit.base + offset; },
      name, owner, kind: 'function', span, nameSpan: span, bodySpan: span, params: [], locals: new Map(), returns: '',
      async: false, static: false, body: [], damaged: false, parent: undefined, inner: [],
    };
  }

  private definition(node: Node, owner: string): void {
    const info = declared(field(node, 'declarator'));
    const nameNode = info.name;
    if (!nameNode || !info.parameters) {
      // a macro in front of the body, as in `TEST(Suite, Name) { … }`, lands here or is taken for a function name
      this.facts.damaged = true;
      return;
    }
    // macros know no functions
    if (/^\s*#\s*define\b/m.test(node.text)) for (const inner of node.descendantsOfType(['preproc_def', 'preproc_function_def'])) this.item(inner, owner);
    this.facts.functions.push(this.lower(node, nameNode, info.parameters, info.owner || owner));
  }

  private lower(node: Node, nameNode: Node, parameters: Node, owner: string): Func {
    const name = nameNode.text;
    const func = this.emptyFunction(name, owner, node);
    const body = field(node, 'body') ?? parts(node).find((c) => c.type === 'try_statement' || c.type === 'constructor_try_statement') ?? null;
    const unique = `${owner}_${name}_${++serial}`.replace(/\W+/g, '_');
    func.kind = nameNode.type === 'destructor_name' ? 'destructor' : 'function';
    func.nameSpan = spanOf(nameNode, func.base);
    if (body) func.bodySpan = spanOf(body, func.base);
    func.static = parts(node).some((c) => c.type === 'storage_class_specifier' && c.text === 'static');
    const outer = declared(field(node, 'declarator'));
    func.returns = `${typeName(field(node, 'type')?.text ?? '')}${outer.pointer ? ' *' : ''}`;
    func.damaged = !isSound(node);
    const lowering = new Body(func, new Scopes(unique), this.alignments);
    lowering.parameters(parameters);
    const initialisers = parts(node).find((c) => c.type === 'field_initializer_list');
    func.body = [...(initialisers ? lowering.memberInitialisers(initialisers) : []), ...lowering.block(body)];
    return func;
  }
}

/** Loop macros lack a semicolon for the parser, and may be given types; that is no damage. */
function isSound(node: Node): boolean {
  const stack = [node];
  for (let n = stack.pop(); n; n = stack.pop()) {
    if (!n.hasError && !n.isMissing) continue;
    if (n.isError) {
      const statement = n.parent?.type === 'argument_list' ? n.parent.parent?.parent : undefined;
      if (!statement || !loopMacroBody(statement)) return false;
      continue;
    }
    if (n.isMissing && (n.type !== ';' || !n.parent || !loopMacroBody(n.parent))) return false;
    stack.push(...n.children);
  }
  return true;
}

function mentionsOf(node: Node): Mention[] {
  const roles: Record<string, Mention['role']> = { identifier: 'name', type_identifier: 'type' };
  return node.descendantsOfType(Object.keys(roles)).map((n) => ({ text: n.text, role: roles[n.type]!, start: n.startIndex - node.startIndex, end: n.endIndex - node.startIndex }));
}
