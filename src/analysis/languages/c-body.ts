/** Statements of C and C++: syntax to facts. */
import { bare, type Expr, type Func, type Local, type Stmt } from '../model';
import { alignmentOf, declared, isExpr, parametersOf, typeName, type Alignments, type Declared } from './c-declarator';
import { Expressions } from './c-expressions';
import { field, opaque, parts, Scopes, type Node } from './syntax';

/** The style of variables, members and constants, not of types: `kPage`, `PAGE_SIZE`, `batch_size`, `depth_`. */
const NAMES_VALUE = /^(?:k[A-Z]\w*|[A-Z][A-Z0-9_]+|(?!\w+_t$)(?!(?:string|vector|istream|ostream|thread|mutex|pair|tuple|function|iovec|byte)$)[a-z_]\w*)$/;

/** Lowers one function (or lambda) into `func`; `scopes` already holds its parameters. */
export class Body extends Expressions {
  constructor(func: Func, scopes: Scopes, private readonly alignments: Alignments) {
    super(func, scopes);
  }

  /** A compound statement's or namespace's children, or one statement. */
  block(node: Node | null): Stmt[] {
    if (!node) return [];
    this.scopes.push();
    const out = node.type === 'compound_statement' ? this.sequence(parts(node)) : this.statement(node);
    this.scopes.pop();
    return out;
  }

  /** Statements in a row; what a loop macro took for its body is no statement of its own. */
  private sequence(nodes: Node[]): Stmt[] {
    const taken = new Set<number>();
    return nodes.flatMap((node) => {
      if (taken.has(node.id)) return [];
      for (let inner: Node | null = node.hasError ? node : null; inner; inner = LAST_IS_BODY.has(inner.type) ? inner.lastNamedChild : null) {
        const body = loopMacroBody(inner);
        if (body) taken.add(body.id);
        for (let next = body && loopMacroBody(body); next; next = loopMacroBody(next)) taken.add(next.id);
      }
      return this.statement(node);
    });
  }

  /** `list_for_each(…) { … }`: turns of unknown number; `io_uring_for_each_cqe` sets its third argument in each. */
  private loopMacro(node: Node, body: Node): Stmt {
    const span = this.span(node);
    const head = this.expression(node.firstNamedChild!);
    let test: Expr = opaque(span, head);
    if (head.kind === 'call') {
      head.macro = true;
      const target = head.name === 'io_uring_for_each_cqe' ? head.args[2] : undefined;
      if (target) test = { kind: 'assign', op: '=', target, value: head, span };
    }
    return { kind: 'loop', form: 'each', init: [], test, update: undefined, body: this.block(body), span: { start: span.start, end: this.span(body).end } };
  }

  statement(node: Node): Stmt[] {
    const span = this.span(node);
    switch (node.type) {
      case 'compound_statement': return [{ kind: 'block', body: this.block(node), span }];
      case 'expression_statement': {
        const body = loopMacroBody(node);
        return body ? [this.loopMacro(node, body)] : this.expressionStatement(node);
      }
      case 'declaration': return this.declaration(node);
      case 'if_statement': return this.ifStatement(node);
      case 'while_statement': return this.loop(node, 'while', 'condition', null);
      case 'do_statement': return this.loop(node, 'do', 'condition', null);
      case 'for_statement': return this.loop(node, 'for', 'condition', 'update');
      case 'for_range_loop': return this.rangeLoop(node);
      case 'switch_statement': return this.switchStatement(node);
      case 'return_statement': case 'co_return_statement': return [{ kind: 'return', value: this.optional(parts(node)[0]), span }];
      case 'throw_statement': return [{ kind: 'throw', value: this.optional(parts(node)[0]), span }];
      case 'break_statement': return [{ kind: 'break', span }];
      case 'continue_statement': return [{ kind: 'continue', span }];
      case 'goto_statement': return [{ kind: 'goto', label: field(node, 'label')?.text ?? '', span }];
      case 'labeled_statement':
        return [{ kind: 'label', label: field(node, 'label')?.text ?? '', span }, ...this.sequence(parts(node).slice(1))];
      case 'try_statement': return [this.tryStatement(node)];
      case 'preproc_if': case 'preproc_ifdef': case 'preproc_elif': case 'preproc_elifdef': return [this.preprocessor(node)];
      case 'preproc_else': return this.sequence(parts(node));
      case 'attributed_statement': return this.sequence(parts(node).filter((c) => c.type !== 'attribute_declaration'));
      // a loop macro in C++, to the parser a function in a function
      case 'function_definition': return field(node, 'type') ? [] : [{ kind: 'loop', form: 'each', init: [], test: opaque(span), update: undefined, body: this.block(field(node, 'body')), span }];
      case 'co_yield_statement': return [{ kind: 'expr', expr: opaque(span, ...parts(node).map((c) => this.expression(c))), span }];
      default: return [];
    }
  }

  private expressionStatement(node: Node): Stmt[] {
    const inner = parts(node)[0];
    if (!inner) return [];
    const span = this.span(node);
    const expr = this.expression(inner);
    const top = bare(expr);
    if (top.kind === 'call') {
      top.statement = span;
      top.discarded = expr.kind === 'cast' ? 'void' : 'statement';
    } else if (top.kind === 'assign') top.statement = span;
    return [{ kind: 'expr', expr, span }];
  }

  declaration(node: Node): Stmt[] {
    const out: Stmt[] = [];
    const type = field(node, 'type')?.text ?? '';
    const fixed = parts(node).some((c) => c.type === 'storage_class_specifier' && /static|extern/.test(c.text));
    const external = parts(node).some((c) => c.type === 'storage_class_specifier' && c.text === 'extern');
    const alignment = alignmentOf(node, this.alignments);
    const declarators = node.childrenForFieldName('declarator');
    for (const d of declarators) {
      const info = declared(d);
      const init = d.type === 'init_declarator' ? this.initialiser(field(d, 'value')) : undefined;
      // `R q(x);` is parsed as a function; with a variable for its argument it declares one
      const made = info.parameters && !init && !external ? this.argumentsOf(info.parameters) : undefined;
      if (info.parameters && !init && !made) continue;
      const names = info.name ? [info.name] : info.bindings;
      for (const name of names) {
        const local = this.declare(name, info, type, fixed, alignment);
        out.push({ kind: 'declare', local, init: made ?? (info.name ? init : init && opaque(init.span, init)), span: this.span(d), statement: this.span(node), alone: declarators.length === 1 && names.length === 1 });
      }
    }
    return out;
  }

  /** What looks like parameters, where all of it is names of variables: in scope, or of members and constants by their style. */
  private argumentsOf(list: Node): Expr | undefined {
    const items = parts(list).map((p) => (p.namedChildCount === 1 ? p.firstNamedChild! : p));
    const isValue = (n: Node): boolean => (n.type === 'type_identifier' && (this.scopes.lookup(n.text) !== undefined || NAMES_VALUE.test(n.text)))
      || (n.type === 'qualified_identifier' && NAMES_VALUE.test(n.text.replace(/^.*::/s, '')));
    if (!items.length || !items.every(isValue)) return undefined;
    const args = items.map((n) => this.name(n.text, this.span(n)));
    return args.length === 1 ? args[0] : opaque(this.span(list), ...args);
  }

  declare(name: Node, info: Declared, type: string, fixed = false, alignment?: Expr): Local {
    const local: Local = {
      name: name.text, id: this.scopes.declare(name.text), type: typeName(type), pointer: info.pointer, array: info.array,
      reference: info.reference, static: fixed, span: this.span(name), ...(alignment ? { alignment } : {}), ...(info.extent ? { extent: info.extent } : {}),
    };
    this.func.locals.set(local.id, local);
    return local;
  }

  private initialiser(node: Node | null): Expr | undefined {
    if (!node) return undefined;
    if (node.type === 'argument_list') {
      const args = parts(node).map((c) => this.expression(c));
      return args.length === 1 ? args[0] : opaque(this.span(node), ...args);
    }
    return this.expression(node);
  }

  /** `if` and `while` conditions; C++ may declare in them. */
  private condition(node: Node | null): { before: Stmt[]; test: Expr | undefined } {
    if (!node) return { before: [], test: undefined };
    const before: Stmt[] = [];
    let value: Node | null = node;
    if (node.type === 'condition_clause') {
      const init = field(node, 'initializer');
      if (init) before.push(...this.sequence(init.type === 'init_statement' ? parts(init) : [init]));
      value = field(node, 'value');
    }
    if (value?.type === 'declaration') {
      const info = declared(field(value, 'declarator'));
      const init = this.initialiser(field(value, 'value') ?? field(field(value, 'declarator') ?? value, 'value'));
      if (!info.name) return { before, test: init };
      const local = this.declare(info.name, info, field(value, 'type')?.text ?? '');
      const span = this.span(value);
      before.push({ kind: 'declare', local, init, span, statement: span, alone: true });
      return { before, test: { kind: 'name', name: local.name, id: local.id, span: local.span } };
    }
    return { before, test: value ? this.expression(value) : undefined };
  }

  private ifStatement(node: Node): Stmt[] {
    this.scopes.push();
    const { before, test } = this.condition(field(node, 'condition'));
    const alternative = field(node, 'alternative');
    const otherwise = alternative?.type === 'else_clause' ? this.block(parts(alternative)[0] ?? null) : this.block(alternative);
    const stmt: Stmt = { kind: 'if', test, then: this.block(field(node, 'consequence')), otherwise, span: this.span(node) };
    this.scopes.pop();
    return before.length ? [{ kind: 'block', body: [...before, stmt], span: stmt.span }] : [stmt];
  }

  private loop(node: Node, form: 'while' | 'do' | 'for', condition: string, update: string | null): Stmt[] {
    this.scopes.push();
    const initialiser = form === 'for' ? field(node, 'initializer') : null;
    const init = !initialiser ? [] : initialiser.type === 'declaration' ? this.declaration(initialiser)
      : [{ kind: 'expr' as const, expr: this.expression(initialiser), span: this.span(initialiser) }];
    const { before, test } = this.condition(field(node, condition));
    const updated = update ? field(node, update) : null;
    const stmt: Stmt = {
      kind: 'loop', form, init, test, update: updated ? this.expression(updated) : undefined,
      body: this.block(field(node, 'body')), span: this.span(node),
    };
    this.scopes.pop();
    if (!before.length) return [stmt];
    // a declaring condition is evaluated anew each turn
    const guard: Stmt = { kind: 'if', test, then: [], otherwise: [{ kind: 'break', span: stmt.span }], span: stmt.span };
    return [{ ...stmt, test: undefined, body: [...before, guard, ...stmt.body] }];
  }

  private rangeLoop(node: Node): Stmt[] {
    this.scopes.push();
    const span = this.span(node);
    const right = field(node, 'right');
    const over = right ? this.expression(right) : opaque(span);
    const info = declared(field(node, 'declarator'));
    const init: Stmt[] = [];
    const type = field(node, 'type')?.text ?? '';
    const names = info.name ? [info.name] : info.bindings;
    const head: Stmt[] = names.map((name) => {
      const local = this.declare(name, info, type);
      const element: Expr = { kind: 'index', object: over, index: undefined, span: over.span };
      return { kind: 'declare', local, init: info.name ? element : opaque(over.span), span: local.span, statement: local.span, alone: true };
    });
    const body = this.block(field(node, 'body'));
    this.scopes.pop();
    return [{ kind: 'loop', form: 'each', init, test: opaque(over.span), update: undefined, body: [...head, ...body], span }];
  }

  private switchStatement(node: Node): Stmt[] {
    this.scopes.push();
    const { before, test } = this.condition(field(node, 'condition'));
    const cases: Extract<Stmt, { kind: 'switch' }>['cases'] = [];
    const collect = (nodes: Node[]) => {
      for (const c of nodes) {
        if (c.type === 'case_statement') {
          const value = field(c, 'value');
          const body = parts(c).filter((b) => b.id !== value?.id);
          // `case 1: case 2: …` nests
          const nested = body.findIndex((b) => b.type === 'case_statement');
          cases.push({ values: value ? [this.expression(value)] : [], default: !value, body: this.sequence(nested < 0 ? body : body.slice(0, nested)) });
          if (nested >= 0) collect(body.slice(nested));
        } else if (c.type.startsWith('preproc_')) collect(parts(c));
        else if (cases.length) cases[cases.length - 1]!.body.push(...this.statement(c));
      }
    };
    const body = field(node, 'body');
    collect(body ? parts(body) : []);
    this.scopes.pop();
    const stmt: Stmt = { kind: 'switch', subject: test ?? opaque(this.span(node)), fallthrough: true, cases, span: this.span(node) };
    return [...before, stmt];
  }

  private tryStatement(node: Node): Stmt {
    const handlers = parts(node).filter((c) => c.type === 'catch_clause').map((c) => {
      this.scopes.push();
      const list = field(c, 'parameters');
      for (const p of parametersOf(list ?? undefined)) if (p.declarator.name) this.declare(p.declarator.name, p.declarator, p.type);
      const body = this.block(field(c, 'body'));
      this.scopes.pop();
      return body;
    });
    return { kind: 'try', body: this.block(field(node, 'body')), handlers, span: this.span(node) };
  }

  /** Which branch is compiled is unknown: both are ways through. */
  private preprocessor(node: Node): Stmt {
    const skip = new Set([field(node, 'name')?.id, field(node, 'condition')?.id, field(node, 'alternative')?.id]);
    const alternative = field(node, 'alternative');
    // declarations under #if stay visible after it
    return {
      kind: 'if', test: undefined, then: this.sequence(parts(node).filter((c) => !skip.has(c.id))),
      otherwise: alternative ? this.statement(alternative) : [], span: this.span(node),
    };
  }

  protected lambda(node: Node): Expr {
    const span = this.span(node);
    const body = field(node, 'body');
    const outer = this.func;
    const func: Func = {
      get base() { return outer.base; },
      name: `${this.func.name}$${this.func.inner.length}`, owner: this.func.owner, kind: 'lambda', span, nameSpan: span,
      bodySpan: body ? this.span(body) : span, params: [], locals: new Map(), returns: '', async: false, static: false, body: [],
      damaged: this.func.damaged, parent: this.func, inner: [],
    };
    this.func.inner.push(func);
    const inner = new Body(func, new Scopes(func.name, this.scopes), this.alignments);
    const declarator = field(node, 'declarator');
    inner.parameters(declarator ? field(declarator, 'parameters') ?? undefined : undefined);
    func.body = inner.block(body);
    return { kind: 'lambda', func, span };
  }

  /** Declares the parameters of a list in the function. */
  parameters(list: Node | undefined): void {
    for (const p of parametersOf(list)) {
      // unnamed ones keep their place
      const name = p.declarator.name;
      this.func.params.push(name ? this.declare(name, p.declarator, p.type)
        : { name: '', id: `~${this.func.params.length}~${this.func.name}`, type: typeName(p.type), pointer: false, array: false, reference: false, static: false, span: this.span(p.declaration) });
    }
  }

  /** C++ `: fd_(open(…)), n_{1}` in front of a constructor's body. */
  memberInitialisers(node: Node): Stmt[] {
    return parts(node).flatMap((c) => {
      const name = parts(c)[0];
      const value = this.initialiser(parts(c)[1] ?? null);
      if (!name || !value || name.type !== 'field_identifier') return [];
      const span = this.span(c);
      const single = value.kind === 'list' && value.items.length === 1 ? value.items[0]!.value : value;
      const target: Expr = { kind: 'name', name: name.text, id: name.text, span: this.span(name) };
      return [{ kind: 'expr' as const, expr: { kind: 'assign' as const, op: '=', target, value: single, span }, span }];
    }).filter((s) => isExpr(s.expr));
  }
}

/** Statements that end in one they hold, which has no semicolon of its own to lack. */
const LAST_IS_BODY = new Set(['if_statement', 'else_clause', 'while_statement', 'for_statement', 'for_range_loop', 'labeled_statement']);
const LOOP_MACRO = /for_?each/i;

/** What follows `NAME(…)` that lacks its semicolon: a block, or any statement where the name says that it is a loop. */
export function loopMacroBody(node: Node): Node | undefined {
  if (!node.hasError || node.type !== 'expression_statement' || node.lastChild?.isMissing !== true) return undefined;
  const call = node.firstNamedChild;
  if (call?.type !== 'call_expression') return undefined;
  let outer: Node = node;
  while (outer.parent && LAST_IS_BODY.has(outer.parent.type) && outer.parent.lastNamedChild?.id === outer.id) outer = outer.parent;
  let next = outer.nextNamedSibling;
  while (next?.isExtra) next = next.nextNamedSibling;
  if (!next) return undefined;
  const any = LOOP_MACRO.test(field(call, 'function')?.text ?? '') && next.type.endsWith('_statement');
  return next.type === 'compound_statement' || any ? next : undefined;
}
