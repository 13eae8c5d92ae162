/** Declarators of C and C++: what name a declaration declares, and as what. */
import type { Expr } from '../model';
import { constantExpression } from './constant-text';
import { field, opaque, parts, type Node } from './syntax';

export interface Declared {
  /** undefined for abstract declarators and structured bindings */
  name: Node | undefined;
  /** class or namespace in front of the name */
  owner: string;
  pointer: boolean;
  array: boolean;
  /** elements of an array, all dimensions multiplied */
  extent: Expr | undefined;
  reference: boolean;
  /** the parameter list where it declares a function (not a pointer to one) */
  parameters: Node | undefined;
  /** names of a structured binding */
  bindings: Node[];
}

/** Unwraps pointers, arrays, parentheses, functions and initialisers around the declared name. */
export function declared(declarator: Node | null): Declared {
  const result: Declared = { name: undefined, owner: '', pointer: false, array: false, extent: undefined, reference: false, parameters: undefined, bindings: [] };
  let grouped = false;
  for (let node: Node | null = declarator; node;) {
    switch (node.type) {
      case 'pointer_declarator': case 'abstract_pointer_declarator':
        result.pointer = true;
        if (result.parameters && grouped) result.parameters = undefined;
        node = inner(node);
        break;
      case 'array_declarator':
        result.extent = times(result.array ? result.extent : ONE, field(node, 'size'));
        result.array = true;
        node = inner(node);
        break;
      case 'reference_declarator':
        result.reference = true;
        node = inner(node);
        break;
      case 'parenthesized_declarator':
        grouped = true;
        node = inner(node);
        break;
      case 'function_declarator':
        // the innermost one belongs to the name: the outer ones are what it returns
        result.parameters = field(node, 'parameters') ?? undefined;
        result.pointer = result.array = result.reference = false;
        node = inner(node);
        break;
      case 'init_declarator': case 'attributed_declarator': case 'bitfield_clause':
        node = inner(node);
        break;
      case 'structured_binding_declarator':
        result.bindings = parts(node);
        return result;
      case 'qualified_identifier': {
        const scope = field(node, 'scope');
        if (scope) result.owner = result.owner ? `${result.owner}::${scope.text}` : scope.text;
        node = field(node, 'name');
        break;
      }
      case 'destructor_name': case 'identifier': case 'field_identifier': case 'type_identifier': case 'operator_name': case 'operator_cast':
        result.name = node;
        return result;
      case 'template_function': case 'dependent_name':
        node = field(node, 'name') ?? node.firstNamedChild;
        break;
      default:
        return result;
    }
  }
  return result;
}
const ONE: Expr = { kind: 'int', value: 1n, span: { start: 0, end: 0 } };
/** What is declared so far, that many times. */
function times(extent: Expr | undefined, size: Node | null): Expr | undefined {
  const count = size ? constantExpression(size.text) : undefined;
  return extent && count && { kind: 'binary', op: '*', left: extent, right: count, span: ONE.span };
}
function inner(node: Node): Node | null {
  return field(node, 'declarator') ?? parts(node).find((c) => /declarator|identifier|destructor_name|operator_name/.test(c.type)) ?? null;
}

/** Where attributes were blanked out of the text before parsing: offset of the attribute → the alignment it asks for. */
export type Alignments = Map<number, string>;

/**
 * GNU attributes confuse the grammar in places where real code has them. They are replaced by blanks of the same
 * length, and the alignments they ask for are remembered.
 */
export function blankAttributes(text: string): { text: string; alignments: Alignments } {
  const alignments: Alignments = new Map();
  if (!text.includes('__attribute')) return { text, alignments };
  const pattern = /\b__attribute(?:__)?\s*\(\(/g;
  let out = '';
  let done = 0;
  for (let m = pattern.exec(text); m; m = pattern.exec(text)) {
    let depth = 2;
    let at = m.index + m[0].length;
    const limit = Math.min(text.length, at + 400);
    while (at < limit && depth > 0) {
      if (text[at] === '(') depth++;
      else if (text[at] === ')') depth--;
      at++;
    }
    if (depth > 0) continue;
    const attribute = text.slice(m.index, at);
    const aligned = /\baligned(?:__)?\b\s*(?:\((.*)\))?/s.exec(attribute);
    if (aligned) alignments.set(m.index, upToBracket(aligned[1] ?? LARGEST));
    out += text.slice(done, m.index) + attribute.replace(/[^\n\r]/g, ' ');
    done = at;
    pattern.lastIndex = at;
  }
  return { text: out + text.slice(done), alignments };
}

/** What `aligned` without a number stands for. */
const LARGEST = '16';
/** The text up to the bracket that closes what is open before it. */
function upToBracket(text: string): string {
  let depth = 1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return text.slice(0, i);
  }
  return text;
}

/** Alignment a declaration asks for with `alignas`, `_Alignas` or an attribute, in its own words and not in those of `body`. */
export function alignmentOf(declaration: Node, alignments: Alignments, body: Node | null = null): Expr | undefined {
  // attributes behind a closing brace are blanks to the parser and belong to no node
  const end = declaration.nextSibling?.type === ';' ? declaration.nextSibling.startIndex : declaration.endIndex;
  const own = (offset: number) => offset >= declaration.startIndex && offset < end && !(body && offset >= body.startIndex && offset < body.endIndex);
  const texts = declaration.descendantsOfType('alignas_qualifier').filter((c) => own(c.startIndex)).map((c) => c.firstNamedChild?.text ?? '');
  for (const [offset, text] of alignments) if (own(offset)) texts.push(text);
  const text = texts.at(-1);
  return text === undefined ? undefined : constantExpression(text) ?? opaque(ONE.span);
}

export interface ParameterNode { declaration: Node; declarator: Declared; type: string }
export function parametersOf(list: Node | undefined): ParameterNode[] {
  if (!list) return [];
  return parts(list)
    .filter((p) => p.type === 'parameter_declaration' || p.type === 'optional_parameter_declaration')
    .map((p) => ({ declaration: p, declarator: declared(field(p, 'declarator')), type: field(p, 'type')?.text ?? '' }))
    .filter((p) => !(p.type === 'void' && !p.declarator.name));
}

/** `struct iocb` → `iocb`: types are compared by their last word. */
export function typeName(text: string): string {
  return text.replace(/^(?:(?:const|volatile|struct|union|enum|class)\s+)+/, '').trim();
}

/** Operators that C++ also spells as words. */
export const WORD_OPERATORS: Record<string, string> = { and: '&&', or: '||', not: '!', not_eq: '!=', bitor: '|', bitand: '&', compl: '~' };

export function isExpr(e: Expr | undefined): e is Expr {
  return e !== undefined;
}
