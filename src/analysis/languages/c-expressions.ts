/** Expressions of C and C++: syntax to facts. */
import type { Call, Expr, Func, Span, Stmt } from '../model';
import { typeName, WORD_OPERATORS } from './c-declarator';
import { field, integer, opaque, parts, spanOf, type Node, type Scopes } from './syntax';

const CPP_CASTS = new Set(['static_cast', 'reinterpret_cast', 'const_cast', 'dynamic_cast', 'bit_cast']);
const UNARY = new Set(['!', '-', '~', '+']);

/** Lowers the expressions of one function; `scopes` holds the names in sight. */
export abstract class Expressions {
  constructor(protected readonly func: Func, readonly scopes: Scopes) {}

  /** Statements in an expression: of `({ … })`. */
  abstract block(node: Node | null): Stmt[];
  protected abstract lambda(node: Node): Expr;

  protected span(node: Node): Span { return spanOf(node, this.func.base); }

  protected optional(node: Node | undefined): Expr | undefined {
    return node ? this.expression(node) : undefined;
  }

  expression(node: Node): Expr {
    const span = this.span(node);
    const at = (name: string): Expr => {
      const child = field(node, name);
      return child ? this.expression(child) : opaque(span);
    };
    switch (node.type) {
      case 'identifier': case 'this': return this.name(node.text, span);
      case 'field_identifier': return { kind: 'name', name: node.text, id: node.text, span };
      case 'qualified_identifier': {
        const name = node.text.replace(/^::/, '');
        return { kind: 'name', name, id: name, span, ...(node.text.startsWith('::') ? { global: true as const } : {}) };
      }
      case 'template_function': return at('name');
      case 'number_literal': {
        const value = integer(node.text);
        return value === undefined ? opaque(span) : { kind: 'int', value, span };
      }
      case 'char_literal': return node.text.length === 3 ? { kind: 'int', value: BigInt(node.text.charCodeAt(1)), span } : opaque(span);
      case 'true': return { kind: 'int', value: 1n, span };
      case 'false': case 'null': case 'nullptr': return { kind: 'int', value: 0n, span };
      case 'string_literal': case 'raw_string_literal': case 'concatenated_string': return { kind: 'text', value: node.text.replace(/^\w*"|"$/g, ''), span };
      case 'parenthesized_expression': return this.parenthesized(node);
      case 'field_expression': return this.member(node);
      case 'subscript_expression': {
        const list = field(node, 'indices');
        const index = field(node, 'index') ?? (list ? parts(list)[0] ?? null : null);
        return { kind: 'index', object: at('argument'), index: index ? this.expression(index) : undefined, span };
      }
      case 'pointer_expression': return { kind: 'unary', op: node.firstChild?.type === '*' ? '*' : '&', operand: at('argument'), span };
      case 'unary_expression': {
        const written = field(node, 'operator')?.text ?? '';
        const op = WORD_OPERATORS[written] ?? written;
        return UNARY.has(op) ? { kind: 'unary', op: op as '!', operand: at('argument'), span } : opaque(span, at('argument'));
      }
      case 'update_expression': return { kind: 'unary', op: node.text.includes('++') ? '++' : '--', operand: at('argument'), span };
      case 'binary_expression': {
        const op = field(node, 'operator')?.text ?? '';
        return { kind: 'binary', op: WORD_OPERATORS[op] ?? op, left: at('left'), right: at('right'), span };
      }
      case 'assignment_expression': {
        const op = field(node, 'operator')?.text ?? '=';
        return { kind: 'assign', op: op === '=' ? '=' : op.slice(0, -1), target: at('left'), value: at('right'), span };
      }
      case 'conditional_expression': {
        const then = field(node, 'consequence');
        const test = at('condition');
        return { kind: 'conditional', test, then: then ? this.expression(then) : test, otherwise: at('alternative'), span };
      }
      case 'cast_expression': return { kind: 'cast', type: typeName(field(node, 'type')?.text ?? ''), operand: at('value'), span };
      case 'call_expression': return this.call(node);
      case 'initializer_list': return this.list(node);
      case 'compound_literal_expression': {
        const value = field(node, 'value');
        return value ? this.list(value) : opaque(span);
      }
      case 'comma_expression': return { kind: 'control', body: [this.asStatement(field(node, 'left'))].flat(), tail: [at('right')], span };
      case 'lambda_expression': return this.lambda(node);
      case 'co_await_expression': return { kind: 'await', operand: at('argument'), span };
      case 'sizeof_expression': {
        const operand = field(node, 'value');
        return { kind: 'sizeof', type: field(node, 'type')?.text, operand: operand ? this.expression(operand) : undefined, span };
      }
      case 'new_expression': return this.creation(node);
      case 'alignof_expression': case 'offsetof_expression': case 'type_descriptor': return opaque(span);
      case 'delete_expression': return this.deletion(node);
      case 'fold_expression': case 'user_defined_literal': case 'argument_list':
      default: return opaque(span, ...parts(node).filter((c) => /expression|identifier|list|literal|this/.test(c.type) && !/type/.test(c.type)).map((c) => this.expression(c)));
    }
  }

  protected asStatement(node: Node | null): Stmt[] {
    return node ? [{ kind: 'expr', expr: this.expression(node), span: this.span(node) }] : [];
  }

  protected name(name: string, span: Span): Expr {
    return { kind: 'name', name, id: this.scopes.lookup(name) ?? name, span };
  }

  private parenthesized(node: Node): Expr {
    const inner = parts(node)[0];
    if (!inner) return opaque(this.span(node));
    if (inner.type !== 'compound_statement') return this.expression(inner);
    const body = this.block(inner);
    const last = body[body.length - 1];
    return { kind: 'control', body: last?.kind === 'expr' ? body.slice(0, -1) : body, tail: last?.kind === 'expr' ? [last.expr] : [], span: this.span(node) };
  }

  /** Members reached through `this` are the same as their bare names. */
  private member(node: Node): Expr {
    const span = this.span(node);
    const object = field(node, 'argument');
    const name = field(node, 'field');
    if (!object || !name) return opaque(span);
    if (object.type === 'this' && name.type === 'field_identifier') return { kind: 'name', name: name.text, id: name.text, span };
    const deref = field(node, 'operator')?.text === '->' || (field(node, 'operator') === null && node.children.some((c) => c.type === '->'));
    const fieldName = name.type === 'template_method' || name.type === 'dependent_name' ? field(name, 'name')?.text ?? name.text : name.text;
    return { kind: 'member', object: this.expression(object), field: fieldName, deref, fieldSpan: this.span(name), span };
  }

  private call(node: Node): Expr {
    const span = this.span(node);
    const fn = field(node, 'function');
    const list = field(node, 'arguments');
    if (!fn) return opaque(span);
    const args = (list ? parts(list) : []).map((c) => this.expression(c));
    const argsSpan = list ? this.span(list) : span;
    if (fn.type === 'template_function' && args[0]) {
      const name = field(fn, 'name')?.text ?? '';
      if (CPP_CASTS.has(name)) return { kind: 'cast', type: typeName(field(fn, 'arguments')?.text.replace(/^<|>$/g, '') ?? ''), operand: args[0], span };
    }
    if (fn.type === 'primitive_type' || fn.type === 'sized_type_specifier') return args[0] ? { kind: 'cast', type: fn.text, operand: args[0], span } : opaque(span);
    const callee = this.expression(fn);
    const nameSpan = callee.kind === 'member' ? callee.fieldSpan : callee.span;
    const name = callee.kind === 'member' ? callee.field : callee.kind === 'name' ? callee.name.replace(/^.*::/, '') : '';
    return { kind: 'call', callee, name, nameSpan, args, argsSpan, span, within: this.func } satisfies Call;
  }

  /** `new T(…)`, `new T[n]`; with a placement the memory may come from anywhere. */
  private creation(node: Node): Expr {
    const span = this.span(node);
    const length = field(field(node, 'declarator') ?? node, 'length');
    const list = field(node, 'arguments');
    const args = (length ? [length] : list ? parts(list) : []).map((c) => this.expression(c));
    const placement = field(node, 'placement');
    if (placement) return opaque(span, ...parts(placement).map((c) => this.expression(c)), ...args);
    const nameSpan = { start: span.start, end: span.start + 'new'.length };
    return {
      kind: 'call', callee: { kind: 'name', name: 'new', id: 'new', span: nameSpan }, name: 'new', nameSpan, args, argsSpan: span, span,
      made: typeName(field(node, 'type')?.text ?? ''),
    };
  }

  /** `delete p` and `delete[] p`, which are calls of `delete`. */
  private deletion(node: Node): Expr {
    const span = this.span(node);
    const args = parts(node).filter((c) => /expression|identifier|this/.test(c.type)).map((c) => this.expression(c));
    const nameSpan = { start: span.start, end: span.start + 'delete'.length };
    return { kind: 'call', callee: { kind: 'name', name: 'delete', id: 'delete', span: nameSpan }, name: 'delete', nameSpan, args, argsSpan: span, span, within: this.func };
  }

  private list(node: Node): Expr {
    const items = parts(node).map((c) => {
      if (c.type !== 'initializer_pair') return { value: this.expression(c) };
      const value = field(c, 'value');
      const designator = field(c, 'designator');
      return {
        field: designator?.type === 'field_designator' ? designator.firstNamedChild?.text : undefined,
        value: value ? this.expression(value) : opaque(this.span(c)),
      };
    });
    return { kind: 'list', items, span: this.span(node) };
  }
}
