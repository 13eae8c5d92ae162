/** One Rust file: imports, constants, types and functions. */
import type { Tree } from 'web-tree-sitter';
import { FILE, placeIn, type Expr, type FileFacts, type Func, type Mention } from '../model';
import { pathText, RustBody } from './rust-body';
import { field, parts, Scopes, spanOf, type Node } from './syntax';

export function rustFacts(tree: Tree): FileFacts {
  const facts: FileFacts = {
    language: 'rust', includes: [], imports: [], functions: [], fields: [], structures: [], constants: new Map(), macros: new Map(), globals: [], damaged: false,
    mentions: [{ unit: FILE, mentions: mentionsOf(tree) }],
  };
  const counts = new Map<string, number>();

  const items = (nodes: Node[], owner: string): void => nodes.forEach((n) => item(n, owner));
  const item = (node: Node, owner: string): void => {
    switch (node.type) {
      case 'use_declaration': {
        const argument = field(node, 'argument');
        if (argument) importTree(argument, '', facts);
        return;
      }
      case 'extern_crate_declaration': {
        const name = field(node, 'name')?.text ?? '';
        facts.imports.push({ path: name, alias: field(node, 'alias')?.text ?? name, glob: false, place: placeIn(FILE, spanOf(node, 0)) });
        return;
      }
      case 'function_item': return definition(node, owner);
      case 'impl_item': return items(parts(field(node, 'body') ?? node), field(node, 'type')?.text.replace(/<.*$/s, '') ?? '');
      case 'trait_item': case 'mod_item': {
        const body = field(node, 'body');
        return body ? items(parts(body), node.type === 'trait_item' ? field(node, 'name')?.text ?? '' : '') : undefined;
      }
      case 'struct_item': {
        const name = field(node, 'name')?.text ?? '';
        for (const f of parts(field(node, 'body') ?? node)) {
          if (f.type === 'field_declaration') facts.fields.push({ owner: name, name: field(f, 'name')?.text ?? '', type: field(f, 'type')?.text ?? '', array: false, pointer: false });
        }
        return;
      }
      case 'const_item': case 'static_item': {
        const value = field(node, 'value');
        const holder = emptyFunction('', owner, node);
        const e: Expr | undefined = value ? new RustBody(holder, new Scopes('')).expression(value) : undefined;
        if (e && node.type === 'const_item') facts.constants.set(field(node, 'name')?.text ?? '', [e]);
        return;
      }
      case 'ERROR':
        facts.damaged = true;
        return items(parts(node), owner);
    }
  };
  const definition = (node: Node, owner: string): void => {
    const nameNode = field(node, 'name');
    if (!nameNode) return;
    const name = nameNode.text;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    facts.functions.push(lower(node, nameNode, owner, count));
    // functions and imports may be nested in bodies
    for (const inner of field(node, 'body')?.namedChildren ?? []) if (inner.type === 'function_item' || inner.type === 'use_declaration') item(inner, owner);
  };

  items(parts(tree.rootNode), '');
  return facts;
}

function emptyFunction(name: string, owner: string, node: Node): Func {
  const span = spanOf(node, node.startIndex);
  return {
    name, owner, kind: 'function', base: node.startIndex, span, nameSpan: span, bodySpan: span, params: [], locals: new Map(), returns: '',
    async: false, static: false, body: [], damaged: false, parent: undefined, inner: [],
  };
}

function lower(node: Node, nameNode: Node, owner: string, count: number): Func {
  const func = emptyFunction(nameNode.text, owner, node);
  const body = field(node, 'body');
  func.nameSpan = spanOf(nameNode, func.base);
  if (body) func.bodySpan = spanOf(body, func.base);
  func.returns = field(node, 'return_type')?.text ?? '';
  func.async = parts(node).some((c) => c.type === 'function_modifiers' && /\basync\b/.test(c.text));
  func.damaged = node.hasError;
  const lowering = new RustBody(func, new Scopes(`${owner}_${nameNode.text}${count > 1 ? `_${count}` : ''}`.replace(/\W+/g, '_')));
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
    let role: Mention['role'] = scoped.test(n.type) ? 'path' : n.type === 'identifier' ? 'name' : 'type';
    if (parent.type === 'attribute') role = 'attribute';
    else if (parent.type === 'macro_invocation') role = 'macro';
    else if (insideUse(n)) continue;
    out.push({ text: pathText(n), role, start: n.startIndex, end: n.endIndex });
  }
  return out;
}
function insideUse(node: Node): boolean {
  for (let n: Node | null = node.parent; n; n = n.parent) {
    if (n.type === 'use_declaration') return true;
    if (/_item$|^block$|^source_file$|declaration_list/.test(n.type)) return false;
  }
  return false;
}
