/** Statements and expressions of Rust: syntax to facts. */
import type { Bound, Call, Expr, Func, Local, Name, Span, Stmt } from '../model';
import { readPiece, readTokens, selectArms, type Arm, type Parse, type Piece } from './rust-macro';
import { patternNames, tupleItems } from './rust-pattern';
import { field, integer, opaque, parts, Scopes, spanOf, type Node } from './syntax';

/** Expressions that are statements at heart. */
const CONTROL = new Set([
  'if_expression', 'match_expression', 'loop_expression', 'while_expression', 'for_expression', 'block', 'unsafe_block', 'const_block',
  'return_expression', 'break_expression', 'continue_expression', 'try_block',
]);
const COMPARISONS_AND_ARITHMETIC = /^[-+*/%&|^<>=!]+$/;

export class RustBody {
  /** `shift`: how far the nodes' offsets are from those of the file, for code that was read out of a macro */
  constructor(private readonly func: Func, private readonly scopes: Scopes, private readonly parse: Parse, private readonly shift = 0) {}

  private span(node: Node): Span { return spanOf(node, this.func.base - this.shift); }

  parameters(list: Node | null): void {
    for (const p of list ? parts(list) : []) {
      if (p.type === 'self_parameter') {
        this.func.params.push(this.local('self', this.span(p), 'Self', p.text.includes('&')));
        continue;
      }
      const pattern = p.type === 'parameter' ? field(p, 'pattern') : p;
      const type = field(p, 'type')?.text ?? '';
      const names = pattern ? patternNames(pattern) : [];
      for (const n of names) {
        const local = this.local(n.name, this.span(n.node), n.path.length ? '' : type, type.startsWith('&'));
        this.func.params.push(local);
      }
      if (!names.length) this.func.params.push({ name: '', id: `~${this.func.params.length}~${this.func.name}`, type, pointer: false, array: false, reference: false, static: false, span: this.span(p) });
    }
  }

  /** A block's statements; its value, when it has one, is the last and is not marked as discarded. */
  block(node: Node | null): Stmt[] {
    if (!node) return [];
    this.scopes.push();
    const out = node.type === 'block' ? parts(node).flatMap((c) => this.statement(c)) : this.statement(node);
    this.scopes.pop();
    return out;
  }

  private statement(node: Node): Stmt[] {
    const span = this.span(node);
    switch (node.type) {
      case 'let_declaration': return this.letDeclaration(node);
      case 'expression_statement': {
        const inner = parts(node)[0];
        if (!inner) return [];
        if (CONTROL.has(inner.type)) {
          const out = this.control(inner);
          // `unsafe { push(…) };`: what the block gives goes nowhere
          if (node.lastChild?.type === ';' || node.nextSibling?.type === 'empty_statement') discardValue(out);
          return out;
        }
        const expr = this.expression(inner);
        if (expr.kind === 'call') Object.assign(expr, { discarded: 'statement', statement: span } satisfies Partial<Call>);
        else if (expr.kind === 'assign') expr.statement = span;
        return [{ kind: 'expr', expr, span }];
      }
      case 'empty_statement': case 'function_item': case 'use_declaration': case 'const_item': case 'static_item': case 'struct_item':
      case 'impl_item': case 'enum_item': case 'macro_definition': case 'attribute_item': case 'inner_attribute_item': case 'label': case 'lifetime':
      case 'type_item': case 'mod_item': case 'trait_item':
        return [];
      default:
        if (CONTROL.has(node.type)) {
          const out = this.control(node);
          if (node.nextSibling?.type === 'empty_statement') discardValue(out);
          return out;
        }
        return [{ kind: 'expr', expr: this.expression(node), span }];
    }
  }

  private letDeclaration(node: Node): Stmt[] {
    const pattern = field(node, 'pattern');
    const valueNode = field(node, 'value');
    const init = valueNode ? this.expression(valueNode) : undefined;
    const statement = this.span(node);
    const alternative = field(node, 'alternative');
    const out: Stmt[] = [];
    if (alternative) out.push({ kind: 'if', test: init, then: [], otherwise: this.block(alternative), span: statement });
    const names = pattern ? patternNames(pattern) : [];
    const span = pattern ? this.span(pattern) : statement;
    const type = field(node, 'type')?.text ?? '';
    const simple = pattern?.type === 'identifier' || pattern?.type === 'mut_pattern';
    if (simple && names[0]) {
      out.push({ kind: 'declare', local: this.local(names[0].name, this.span(names[0].node), type, false), init, span, statement, alone: true });
      return out;
    }
    const written = !pattern ? [] : pattern.type === '_' ? ['_'] : pattern.type === 'tuple_pattern' || /^(?:\w+::)*BufResult\b/.test(pattern.text) ? tupleItems(pattern) : undefined;
    const whole: Local = { name: '_', id: `_~${this.func.name}~${span.start}`, type, pointer: false, array: false, reference: false, static: false, span };
    out.push({ kind: 'declare', local: whole, init: alternative ? undefined : init, span, statement, alone: true, pattern: written });
    return pattern ? [...out, ...this.bind(pattern, init, false, statement)] : out;
  }

  private local(name: string, span: Span, type: string, reference: boolean): Local {
    const local: Local = { name, id: this.scopes.declare(name), type, pointer: false, array: false, reference, static: false, span };
    this.func.locals.set(local.id, local);
    return local;
  }

  private bind(pattern: Node | null, from: Expr | undefined, each = false, statement?: Span): Stmt[] {
    if (!pattern) return [];
    return patternNames(pattern).map((n) => {
      const span = this.span(n.node);
      const bound: Bound | undefined = from && { from, path: n.path, each };
      return { kind: 'declare', local: this.local(n.name, span, '', false), init: opaque(span), span, statement: statement ?? span, alone: false, bound };
    });
  }

  private labelOf(node: Node): string | undefined {
    return parts(node).find((c) => c.type === 'label')?.text.replace(/[:'\s]/g, '');
  }

  private control(node: Node): Stmt[] {
    const span = this.span(node);
    const label = this.labelOf(node);
    switch (node.type) {
      case 'if_expression': {
        this.scopes.push();
        const { test, bound } = this.condition(field(node, 'condition'));
        const then = [...bound, ...this.block(field(node, 'consequence'))];
        this.scopes.pop();
        const alternative = field(node, 'alternative');
        return [{ kind: 'if', test, then, otherwise: alternative ? this.block(parts(alternative)[0] ?? null) : [], span }];
      }
      case 'while_expression': {
        this.scopes.push();
        const { test, bound } = this.condition(field(node, 'condition'));
        const body = [...bound, ...this.block(field(node, 'body'))];
        this.scopes.pop();
        return [{ kind: 'loop', form: 'while', label, init: [], test, update: undefined, body, span }];
      }
      case 'loop_expression': return [{ kind: 'loop', form: 'forever', label, init: [], test: undefined, update: undefined, body: this.block(field(node, 'body')), span }];
      case 'for_expression': {
        const over = field(node, 'value');
        const value = over ? this.expression(over) : opaque(span);
        this.scopes.push();
        const body = [...this.bind(field(node, 'pattern'), value, true), ...this.block(field(node, 'body'))];
        this.scopes.pop();
        return [{ kind: 'expr', expr: value, span: value.span }, { kind: 'loop', form: 'each', label, init: [], test: opaque(value.span), update: undefined, body, span }];
      }
      case 'match_expression': return [this.match(node)];
      case 'return_expression': {
        const value = parts(node)[0];
        return [{ kind: 'return', value: value ? this.expression(value) : undefined, span }];
      }
      case 'break_expression': {
        const value = parts(node).find((c) => c.type !== 'label');
        const before: Stmt[] = value ? [{ kind: 'expr', expr: this.expression(value), span }] : [];
        return [...before, { kind: 'break', label, span }];
      }
      case 'continue_expression': return [{ kind: 'continue', label, span }];
      default: {
        const inner = node.type === 'block' ? node : parts(node).find((c) => c.type === 'block') ?? null;
        return [{ kind: 'block', body: this.block(inner), label, span }];
      }
    }
  }

  private match(node: Node): Stmt {
    const subject = field(node, 'value');
    const value = subject ? this.expression(subject) : opaque(this.span(node));
    const body = field(node, 'body');
    const cases = (body ? parts(body) : []).filter((c) => c.type === 'match_arm').map((arm) => {
      this.scopes.push();
      const pattern = field(arm, 'pattern');
      const bound = this.bind(pattern, value);
      const condition = pattern ? field(pattern, 'condition') : null;
      const guard: Stmt[] = condition ? [{ kind: 'expr', expr: this.condition(condition).test, span: this.span(condition) }] : [];
      const inner = field(arm, 'value');
      const stmts = inner ? this.statement(inner) : [];
      this.scopes.pop();
      const written = (condition ? pattern?.text.slice(0, condition.startIndex - pattern.startIndex).replace(/\bif\s*$/, '') : pattern?.text)?.trim();
      return { values: [], default: /^_$/.test(pattern?.text ?? ''), body: [...bound, ...guard, ...stmts], pattern: written };
    });
    return { kind: 'switch', subject: value, fallthrough: false, cases, span: this.span(node) };
  }

  /** Conditions may bind names (`if let`). */
  private condition(node: Node | null): { test: Expr; bound: Stmt[] } {
    const bound: Stmt[] = [];
    const visit = (n: Node): Expr => {
      const span = this.span(n);
      if (n.type === 'let_condition') {
        const value = field(n, 'value');
        const from = value ? this.expression(value) : undefined;
        bound.push(...this.bind(field(n, 'pattern'), from));
        return { kind: 'opaque', parts: from ? [from] : [], pattern: field(n, 'pattern')?.text, span };
      }
      if (n.type === 'let_chain') {
        const tests = parts(n).map(visit);
        return tests.reduce((left, right) => ({ kind: 'binary', op: '&&', left, right, span }));
      }
      return this.expression(n);
    };
    return { test: node ? visit(node) : opaque({ start: 0, end: 0 }), bound };
  }

  expression(node: Node): Expr {
    const span = this.span(node);
    const at = (name: string): Expr => {
      const child = field(node, name);
      return child ? this.expression(child) : opaque(span);
    };
    const first = (): Expr => {
      const child = parts(node).find((c) => c.type !== 'mutable_specifier');
      return child ? this.expression(child) : opaque(span);
    };
    if (CONTROL.has(node.type)) return { kind: 'control', body: this.control(node), tail: [], span };
    switch (node.type) {
      case 'identifier': case 'self': case 'shorthand_field_identifier': return this.name(node.text, span);
      case 'scoped_identifier': return { kind: 'name', name: pathText(node), id: pathText(node), span };
      case 'generic_function': return at('function');
      case 'integer_literal': {
        const value = integer(node.text);
        return value === undefined ? opaque(span) : { kind: 'int', value, span };
      }
      case 'boolean_literal': return { kind: 'int', value: node.text === 'true' ? 1n : 0n, span };
      case 'string_literal': case 'raw_string_literal': return { kind: 'text', value: node.text.replace(/^\w*#*"|"#*$/g, ''), span };
      case 'parenthesized_expression': return first();
      case 'field_expression': {
        const name = field(node, 'field');
        return { kind: 'member', object: at('value'), field: name?.text ?? '', fieldSpan: name ? this.span(name) : span, deref: false, span };
      }
      case 'index_expression': {
        const [object, index] = parts(node);
        return { kind: 'index', object: object ? this.expression(object) : opaque(span), index: index ? this.expression(index) : undefined, span };
      }
      case 'reference_expression': return { kind: 'unary', op: '&', operand: at('value'), span };
      case 'unary_expression': {
        const op = node.firstChild?.type;
        return op === '*' || op === '!' || op === '-' ? { kind: 'unary', op, operand: first(), span } : opaque(span, first());
      }
      case 'binary_expression': {
        const op = field(node, 'operator')?.text ?? '';
        return COMPARISONS_AND_ARITHMETIC.test(op) ? { kind: 'binary', op, left: at('left'), right: at('right'), span } : opaque(span, at('left'), at('right'));
      }
      case 'assignment_expression': return { kind: 'assign', op: '=', target: at('left'), value: at('right'), span };
      case 'compound_assignment_expr': return { kind: 'assign', op: (field(node, 'operator')?.text ?? '+=').slice(0, -1), target: at('left'), value: at('right'), span };
      case 'type_cast_expression': return { kind: 'cast', type: field(node, 'type')?.text ?? '', operand: at('value'), span };
      case 'await_expression': return { kind: 'await', operand: first(), span };
      case 'try_expression': return { kind: 'try', operand: first(), span };
      case 'call_expression': return this.call(node);
      case 'macro_invocation': return this.macro(node);
      case 'array_expression': return { kind: 'list', items: parts(node).filter((c) => c.type !== 'attribute_item').map((c) => ({ value: this.expression(c) })), type: field(node, 'length') ? '[;]' : '[]', span };
      case 'struct_expression': return this.structure(node);
      case 'closure_expression': return this.lambda(node, 'lambda', field(node, 'body'));
      case 'async_block': return this.lambda(node, 'async block', parts(node).find((c) => c.type === 'block') ?? null);
      default: return opaque(span, ...parts(node).filter((c) => !/(?:^|_)type$|^type_(?:identifier|arguments|parameters)$|specifier|lifetime|label|attribute/.test(c.type)).map((c) => this.expression(c)));
    }
  }

  private name(name: string, span: Span): Name {
    return { kind: 'name', name, id: this.scopes.lookup(name) ?? name, span };
  }

  private call(node: Node): Expr {
    const span = this.span(node);
    const fn = field(node, 'function');
    const list = field(node, 'arguments');
    const callee = fn ? this.expression(fn) : opaque(span);
    const args = (list ? parts(list) : []).filter((c) => c.type !== 'attribute_item').map((c) => this.expression(c));
    const name = callee.kind === 'member' ? callee.field : callee.kind === 'name' ? callee.name.replace(/^.*::/, '') : '';
    return { kind: 'call', callee, name, nameSpan: callee.kind === 'member' ? callee.fieldSpan : callee.span, args, argsSpan: list ? this.span(list) : span, span };
  }

  /** A macro's tokens are read as code where they can be; else it mentions names. */
  private macro(node: Node): Expr {
    const name = field(node, 'macro');
    const path = name ? pathText(name) : '';
    const tokens = parts(node).find((c) => c.type === 'token_tree');
    const last = path.replace(/^.*::/, '');
    const call = (args: Expr[]): Call => {
      const span = this.span(node);
      const nameSpan = name ? this.span(name) : span;
      return { kind: 'call', callee: { kind: 'name', name: path, id: path, span: nameSpan }, name: last, nameSpan, args, argsSpan: tokens ? this.span(tokens) : span, span, macro: true };
    };
    if (!tokens) return call([]);
    const arms = /^select(?:_biased)?$/.test(last) ? selectArms(tokens) : undefined;
    if (arms) return this.select(arms, call, this.span(node));
    let args: Expr[] | undefined;
    readTokens(last, tokens, this.parse, (reading) => {
      const inner = this.within(reading.offset);
      if (reading.kind === 'block') args = [{ kind: 'control', body: [{ kind: 'block', body: inner.block(reading.block), span: inner.span(reading.block) }], tail: [], span: inner.span(reading.block) }];
      // `name = value` names an argument
      else args = reading.nodes.map((n) => inner.expression(n.type === 'assignment_expression' ? field(n, 'right') ?? n : n)).flatMap((e) => [e, ...this.formatted(e)]);
    });
    return call(args ?? this.names(tokens));
  }
  /** For nodes whose offsets are `offset` away from the tokens they were read from. */
  private within(offset: number): RustBody {
    return new RustBody(this.func, this.scopes, this.parse, this.shift + offset);
  }
  /** `{name}` in a format string */
  private formatted(e: Expr): Expr[] {
    return e.kind === 'text' ? [...e.value.matchAll(/\{(\w+)[:}]/g)].map((m) => this.name(m[1]!, e.span)) : [];
  }
  private names(tokens: Node): Expr[] {
    return tokens.descendantsOfType(['identifier', 'self', 'string_content']).flatMap((n) =>
      n.type === 'string_content' ? this.formatted({ kind: 'text', value: n.text, span: this.span(n) }) : [this.name(n.text, this.span(n))]);
  }

  /** `select!`: all futures are made, then one arm is run. */
  private select(arms: Arm[], call: (args: Expr[]) => Call, span: Span): Expr {
    const read = (p: Piece): Expr => {
      let e: Expr | undefined;
      readPiece(p, 'expression', this.parse, (node, offset) => { e = this.within(offset).expression(node); });
      return e ?? opaque({ start: p.start + this.shift - this.func.base, end: p.start + this.shift - this.func.base + p.text.length });
    };
    const futures = arms.map((a) => (a.future ? read(a.future) : undefined));
    const cases = arms.map((arm, i) => {
      this.scopes.push();
      const bound: Stmt[] = [];
      if (arm.pattern) readPiece(arm.pattern, 'pattern', this.parse, (node, offset) => { bound.push(...this.within(offset).bind(node, futures[i])); });
      const guard: Stmt[] = arm.guard ? [read(arm.guard)].map((expr) => ({ kind: 'expr', expr, span: expr.span })) : [];
      const handler = read(arm.handler);
      this.scopes.pop();
      return { values: [], default: !arm.future, body: [...guard, ...bound, { kind: 'expr', expr: handler, span: handler.span } satisfies Stmt], pattern: arm.pattern?.text };
    });
    const chosen = call(futures.filter((f) => f !== undefined));
    return { kind: 'control', body: [{ kind: 'expr', expr: chosen, span }, { kind: 'switch', subject: opaque(span), fallthrough: false, cases, span }], tail: [], span };
  }

  private structure(node: Node): Expr {
    const items = parts(field(node, 'body') ?? node).flatMap((c) => {
      if (c.type === 'shorthand_field_initializer') return [{ field: c.text, value: this.name(c.text, this.span(c)) as Expr }];
      if (c.type === 'base_field_initializer') return parts(c).map((p) => ({ value: this.expression(p) }));
      const value = field(c, 'value');
      return value ? [{ field: field(c, 'field')?.text, value: this.expression(value) }] : [];
    });
    return { kind: 'list', items, type: field(node, 'name')?.text, span: this.span(node) };
  }

  private lambda(node: Node, kind: 'lambda' | 'async block', body: Node | null): Expr {
    const span = this.span(node);
    const func: Func = {
      name: `${this.func.name}$${this.func.inner.length}`, owner: this.func.owner, kind, base: this.func.base, span, nameSpan: span,
      bodySpan: body ? this.span(body) : span, params: [], locals: new Map(), returns: '', async: kind === 'async block' || node.text.startsWith('async'),
      static: false, body: [], damaged: this.func.damaged, parent: this.func, inner: [],
    };
    this.func.inner.push(func);
    const inner = new RustBody(func, new Scopes(func.name, this.scopes), this.parse, this.shift);
    inner.parameters(field(node, 'parameters'));
    func.body = inner.block(body);
    return { kind: 'lambda', func, span };
  }
}

/** `a :: b::<T>` → `a::b` */
export function pathText(node: Node): string {
  return node.text.replace(/\s+/g, '').replace(/::<.*>(?=::|$)/g, '');
}

/** The value of a block is thrown away. */
function discardValue(body: Stmt[]): void {
  const last = body.at(-1);
  if (last?.kind === 'block') discardValue(last.body);
  else if (last?.kind === 'expr' && last.expr.kind === 'call') last.expr.discarded ??= 'statement';
}
