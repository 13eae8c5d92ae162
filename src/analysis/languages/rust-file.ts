/** One Rust file: imports, constants, types and functions. */
import type { Tree } from 'web-tree-sitter';
import { FILE, placeIn, type Attribute, type Expr, type FileFacts, type Func, type Local, type Mention } from '../model';
import { pathText, RustBody } from './rust-body';
import type { Parse } from './rust-macro';
import { field, parts, Scopes, spanOf, type Node } from './syntax';

/** `parse` reads what stands in macros; the trees it gives are deleted here. */
export function rustFacts(tree: Tree, parse: Parse): FileFacts {
  const facts: FileFacts = {
    language: 'rust', includes: [], imports: [], functions: [], fields: [], structures: [], constants: new Map(), macros: new Map(), globals: [], damaged: false,
    mentions: [{ unit: FILE, mentions: mentionsOf(tree) }],
  };
  const file = new RustItems(facts, parse);
  file.items(parts(tree.rootNode), '', []);
  return facts;
}

class RustItems {
  private readonly counts = new Map<string, number>();

  constructor(private readonly facts: FileFacts, private readonly parse: Parse) {}

  /** `around`: the attributes of the modules the items are in. */
  items(nodes: Node[], owner: string, around: Attribute[]): void {
    let attributes: Attribute[] = [];
    for (const node of nodes) {
      if (node.type === 'attribute_item') {
        const inner = parts(node)[0];
        if (inner) attributes.push({ text: inner.text, span: spanOf(node, 0) });
        continue;
      }
      this.item(node, owner, [...around, ...attributes]);
      attributes = [];
    }
  }

  private item(node: Node, owner: string, attributes: Attribute[]): void {
    const name = field(node, 'name')?.text ?? '';
    const body = field(node, 'body');
    switch (node.type) {
      case 'use_declaration': {
        const argument = field(node, 'argument');
        if (argument) importTree(argument, '', this.facts);
        return;
      }
      case 'extern_crate_declaration': return this.alias(field(node, 'alias')?.text ?? name, name, node);
      case 'function_item': return this.definition(node, owner, attributes);
      case 'impl_item': {
        const type = field(node, 'type')?.text.replace(/<.*$/s, '') ?? '';
        const from = this.facts.functions.length;
        this.items(parts(body ?? node), type, attributes);
        if (/(?:^|::)Drop$/.test(field(node, 'trait')?.text ?? '')) this.facts.functions.slice(from).forEach((f) => { f.kind = 'destructor'; });
        return;
      }
      case 'trait_item': return this.items(body ? parts(body) : [], name, attributes);
      case 'mod_item': {
        // a module of the project hides a crate of its name
        this.alias(name, `self::${name}`, node);
        return this.items(body ? parts(body) : [], '', attributes);
      }
      case 'type_item': {
        const type = field(node, 'type');
        return type && /::|^\w+$/.test(type.text) ? this.alias(name, type.text.replace(/<.*$/s, '').replace(/\s+/g, ''), type) : undefined;
      }
      case 'struct_item': return this.structure(name, body);
      case 'enum_item': case 'union_item':
        this.facts.structures.push({ name, union: node.type === 'union_item', derived: false });
        return;
      case 'const_item': case 'static_item': return this.value(node, name, owner);
      case 'expression_statement': return parts(node).forEach((c) => this.item(c, owner, attributes));
      case 'macro_invocation': return this.statics(node);
      case 'ERROR':
        this.facts.damaged = true;
        return this.items(parts(node), owner, attributes);
    }
  }

  /** What is imported already keeps its name. */
  private alias(alias: string, path: string, node: Node): void {
    const known = path.startsWith('self::') && this.facts.imports.some((i) => i.alias === alias);
    if (!known) this.facts.imports.push({ path, alias, glob: false, place: placeIn(FILE, spanOf(node, 0)) });
  }

  private structure(name: string, body: Node | null): void {
    this.facts.structures.push({ name, union: false, derived: false });
    const add = (fieldName: string, type: string): void => void this.facts.fields.push({ owner: name, name: fieldName, type, array: false, pointer: false });
    const fields = body ? parts(body) : [];
    if (body?.type === 'ordered_field_declaration_list') fields.filter((f) => !/visibility|attribute/.test(f.type)).forEach((f, i) => add(String(i), f.text));
    else for (const f of fields) if (f.type === 'field_declaration') add(field(f, 'name')?.text ?? '', field(f, 'type')?.text ?? '');
  }

  private value(node: Node, name: string, owner: string): void {
    const value = field(node, 'value');
    const holder = emptyFunction('', owner, node);
    const e: Expr | undefined = value ? new RustBody(holder, new Scopes(''), this.parse).expression(value) : undefined;
    if (node.type === 'const_item') {
      if (e) this.facts.constants.set(name, [e]);
      return;
    }
    const local: Local = { name, id: name, type: field(node, 'type')?.text ?? '', pointer: false, array: false, reference: false, static: true, span: spanOf(node, holder.base) };
    this.facts.globals.push({ local, init: e, unit: holder });
  }

  /** `thread_local! { static RING: RefCell<IoUring> = …; }`: what each is, whatever it begins as. */
  private statics(node: Node): void {
    if (!/^(?:\w+::)*(?:thread_local|lazy_static)$/.test(field(node, 'macro')?.text ?? '')) return;
    const span = spanOf(node, node.startIndex);
    for (const [, name = '', type = ''] of node.text.matchAll(/\bstatic\s+(?:ref\s+)?(\w+)\s*:\s*([^=;]+?)\s*=/g)) {
      const local: Local = { name, id: name, type, pointer: false, array: false, reference: false, static: true, span };
      this.facts.globals.push({ local, init: undefined, unit: emptyFunction('', '', node) });
    }
  }

  private definition(node: Node, owner: string, attributes: Attribute[]): void {
    const nameNode = field(node, 'name');
    if (!nameNode) return;
    const name = nameNode.text;
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    this.facts.functions.push(lower(node, nameNode, { owner, count, attributes, parse: this.parse }));
    // functions and imports may be nested in bodies
    const inner = (field(node, 'body')?.namedChildren ?? []).filter((c) => /^(?:function|impl|struct|mod|const|static)_item$|^use_declaration$|^attribute_item$/.test(c.type));
    this.items(inner, '', attributes.filter((a) => !/main|test/.test(a.text)));
  }
}

function emptyFunction(name: string, owner: string, node: Node): Func {
  const span = spanOf(node, node.startIndex);
  return {
    name, owner, kind: 'function', base: node.startIndex, span, nameSpan: span, bodySpan: span, params: [], locals: new Map(), returns: '',
    async: false, static: false, body: [], damaged: false, parent: undefined, inner: [],
  };
}

interface Context { owner: string; count: number; attributes: Attribute[]; parse: Parse }
function lower(node: Node, nameNode: Node, { owner, count, attributes, parse }: Context): Func {
  const func = emptyFunction(nameNode.text, owner, node);
  const body = field(node, 'body');
  func.nameSpan = spanOf(nameNode, func.base);
  if (body) func.bodySpan = spanOf(body, func.base);
  func.returns = field(node, 'return_type')?.text ?? '';
  func.async = parts(node).some((c) => c.type === 'function_modifiers' && /\basync\b/.test(c.text));
  func.damaged = node.hasError;
  if (attributes.length) func.attributes = attributes.map((a) => ({ text: a.text, span: { start: a.span.start - func.base, end: a.span.end - func.base } }));
  const lowering = new RustBody(func, new Scopes(`${owner}_${nameNode.text}${count > 1 ? `_${count}` : ''}`.replace(/\W+/g, '_')), parse);
  lowering.parameters(field(node, 'parameters'));
  func.body = lowering.block(body);
  return func;
}

/** Flattens `use a::{b, c as d, e::*}`. */
function importTree(node: Node, prefix: string, facts: FileFacts): void {
  const join = (path: string) => (prefix ? (path === 'self' ? prefix : `${prefix}::${path}`) : path);
  const add = (path: string, alias: string, glob = false) =>
    facts.imports.push({ path, alias, glob, place: placeIn(FILE, spanOf(node, 0)) });
  switch (node.type) {
    case 'scoped_use_list': {
      const path = field(node, 'path');
      const list = field(node, 'list');
      for (const c of list ? parts(list) : []) importTree(c, path ? join(pathText(path)) : prefix, facts);
      return;
    }
    case 'use_list':
      for (const c of parts(node)) importTree(c, prefix, facts);
      return;
    case 'use_as_clause': return void add(join(pathText(field(node, 'path') ?? node)), field(node, 'alias')?.text ?? '');
    case 'use_wildcard': {
      const inner = parts(node)[0];
      return void add(inner ? join(pathText(inner)) : prefix, '*', true);
    }
    default: {
      const path = join(pathText(node));
      add(path, path.replace(/^.*::/, ''));
    }
  }
}

function mentionsOf(tree: Tree): Mention[] {
  const out: Mention[] = [];
  const scoped = /^scoped_(?:type_)?identifier$/;
  for (const n of tree.rootNode.descendantsOfType(['scoped_identifier', 'scoped_type_identifier', 'identifier', 'type_identifier'])) {
    const parent = n.parent;
    if (!parent || scoped.test(parent.type)) continue;
    if (parent.type === 'token_tree') {
      const path = pathInTokens(n);
      if (path) out.push(path);
      continue;
    }
    let role: Mention['role'] = scoped.test(n.type) ? 'path' : n.type === 'identifier' ? 'name' : 'type';
    if (parent.type === 'attribute') role = 'attribute';
    else if (parent.type === 'macro_invocation') role = 'macro';
    else if (insideUse(n)) continue;
    out.push({ text: pathText(n), role, start: n.startIndex, end: n.endIndex });
  }
  return out;
}
/** In macros paths are loose tokens: `a`, `::`, `b`. */
function pathInTokens(first: Node): Mention | undefined {
  if (first.previousSibling?.type === '::' || first.previousSibling?.type === '.') return undefined;
  let text = first.text;
  let last = first;
  for (let colons = last.nextSibling; colons?.type === '::' && colons.nextSibling?.type === 'identifier'; colons = last.nextSibling) {
    last = colons.nextSibling;
    text += `::${last.text}`;
  }
  return { text, role: last === first ? 'name' : 'path', start: first.startIndex, end: last.endIndex };
}
function insideUse(node: Node): boolean {
  for (let n: Node | null = node.parent; n; n = n.parent) {
    if (n.type === 'use_declaration') return true;
    if (/_item$|^block$|^source_file$|declaration_list/.test(n.type)) return false;
  }
  return false;
}
