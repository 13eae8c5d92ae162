/** Where the statements and calls of a function stand. */
import { NO_RETURN } from '../flow/no-return';
import { constant } from '../flow/value';
import { bare, bodiesOf, expressionsOf, ownExpressions, statements, walk, type Call, type Expr, type Func, type Span, type Stmt } from '../model';
import type { View } from '../rules/rule';

export interface Standing { list: Stmt[]; index: number; parent: Stmt | undefined }
/** `result`: the variable that the statement puts the call's result into. */
export interface CallSite { call: Call; stmt: Stmt; result?: { id: string; name: string; declared: boolean } }

export class Statements {
  private readonly standing = new Map<Stmt, Standing>();
  private readonly holder = new Map<Expr, Stmt>();

  constructor(readonly func: Func) {
    this.add(func.body, undefined);
  }
  private add(list: Stmt[], parent: Stmt | undefined): void {
    list.forEach((stmt, index) => {
      this.standing.set(stmt, { list, index, parent });
      for (const e of walk(ownExpressions(stmt))) this.holder.set(e, stmt);
      for (const inner of bodiesOf(stmt)) this.add(inner, stmt);
    });
  }

  standingOf(stmt: Stmt): Standing | undefined {
    return this.standing.get(stmt);
  }
  /** The statement that an expression is part of itself. */
  of(e: Expr): Stmt | undefined {
    return this.holder.get(e);
  }
  next(stmt: Stmt): Stmt | undefined {
    const at = this.standing.get(stmt);
    return at?.list[at.index + 1];
  }
  /** Where a call's result goes, when the call is all there is to its statement, or the test of an `if`. */
  site(call: Call): CallSite | undefined {
    const stmt = this.of(call);
    if (stmt?.kind === 'declare' && stmt.init && bare(stmt.init) === call) return { call, stmt, result: { id: stmt.local.id, name: stmt.local.name, declared: true } };
    if (stmt?.kind === 'expr') {
      const e = bare(stmt.expr);
      if (e === call) return { call, stmt };
      const result = assigned(e, call);
      return result && { call, stmt, result };
    }
    if (stmt?.kind !== 'if' || !stmt.test) return undefined;
    const left = comparison(stmt.test)?.left;
    if (!left) return undefined;
    if (left === call) return { call, stmt };
    const result = assigned(left, call);
    return result && { call, stmt, result };
  }
}
function assigned(e: Expr, call: Call): CallSite['result'] {
  if (e.kind !== 'assign' || e.op !== '=' || bare(e.value) !== call) return undefined;
  const target = bare(e.target);
  return target.kind === 'name' && target.id.includes('~') ? { id: target.id, name: target.name, declared: false } : undefined;
}

/** All of a statement; that of a declaration begins at its name. */
export function whole(s: Stmt): Span {
  return s.kind === 'declare' ? s.statement : s.span;
}

export interface Comparison { left: Expr; op: string; right: Expr }
/** `a op b` as it is written, without parentheses and casts around `a`. */
export function comparison(test: Expr): Comparison | undefined {
  const e = bare(test);
  return e.kind === 'binary' && /^(?:[<>]=?|[!=]=)$/.test(e.op) ? { left: bare(e.left), op: e.op, right: e.right } : undefined;
}

/** The branch of an `if` on a call's result that runs where the call failed, and the one where it did not. */
export function branches(file: View, stmt: Stmt | undefined, site: CallSite): { failed: Stmt[]; done: Stmt[]; test: Comparison } | undefined {
  if (stmt?.kind !== 'if' || !stmt.test) return undefined;
  const test = comparison(stmt.test);
  const own = test && (test.left === site.call || (test.left.kind === 'assign' && bare(test.left.value) === site.call) || (test.left.kind === 'name' && test.left.id === site.result?.id));
  if (!own) return undefined;
  const value = constant(file.program.constantValue(test.right));
  if (test.op === '!=' || (test.op === '<' && (value === undefined || value >= 0n)) || (test.op === '<=' && value === 0n)) return { failed: stmt.then, done: stmt.otherwise, test };
  if ((test.op === '==' && value !== undefined && value > 0n) || (test.op === '>=' && value === 1n) || (test.op === '>' && value === 0n)) return { failed: stmt.otherwise, done: stmt.then, test };
  return undefined;
}

/** Whether nothing behind a list of statements runs after it. */
export function leaves(file: View, list: Stmt[]): boolean {
  const last = list.at(-1);
  switch (last?.kind) {
    case 'return': case 'throw': case 'goto': case 'break': case 'continue': return true;
    case 'block': return leaves(file, last.body);
    case 'if': return leaves(file, last.then) && leaves(file, last.otherwise);
    case 'expr': {
      const call = bare(last.expr);
      if (call.kind !== 'call') return false;
      const callee = file.program.callee(call);
      return callee ? file.program.summary(callee)?.noReturn === true : NO_RETURN.test(call.name);
    }
    default: return false;
  }
}

/** `for (i = 0; i < bound; i++)`, whose body leaves `i` alone. */
export interface Counting { id: string; name: string; bound: Expr }
export function counting(stmt: Stmt): Counting | undefined {
  if (stmt.kind !== 'loop' || stmt.form !== 'for' || stmt.init.length !== 1 || !stmt.test || !stmt.update) return undefined;
  const [init] = stmt.init;
  const first = init?.kind === 'declare' ? { id: init.local.id, value: init.init } : init?.kind === 'expr' ? assignment(init.expr) : undefined;
  const start = first?.value && bare(first.value);
  if (!first || start?.kind !== 'int' || start.value !== 0n) return undefined;
  const test = bare(stmt.test);
  const named = (e: Expr): e is Extract<Expr, { kind: 'name' }> => e.kind === 'name' && e.id === first.id;
  if (test.kind !== 'binary' || test.op !== '<') return undefined;
  const variable = bare(test.left);
  if (!named(variable)) return undefined;
  const update = bare(stmt.update);
  if (update.kind !== 'unary' || update.op !== '++' || !named(update.operand)) return undefined;
  for (const e of walk([...stmt.body.flatMap(expressionsOf)])) {
    const target = e.kind === 'assign' ? bare(e.target) : e.kind === 'unary' && /^(?:\+\+|--|&)$/.test(e.op) ? bare(e.operand) : undefined;
    if (target && named(target)) return undefined;
  }
  return { id: first.id, name: variable.name, bound: bare(test.right) };
}
export function assignment(e: Expr): { id: string; value: Expr } | undefined {
  const inner = bare(e);
  return inner.kind === 'assign' && inner.op === '=' && inner.target.kind === 'name' ? { id: inner.target.id, value: inner.value } : undefined;
}

/** Whether two expressions are the same number at two places of a function, with nothing between that could change it. */
export function sameCount(file: View, func: Func, a: Expr, b: Expr): boolean {
  const [left, right] = [a, b].map((e) => constant(file.program.constantValue(e)));
  if (left !== undefined && right !== undefined) return left === right;
  const [x, y] = [bare(a), bare(b)];
  if (x.kind !== 'name' || y.kind !== 'name' || x.id !== y.id) return false;
  const from = Math.min(x.span.start, y.span.start);
  const to = Math.max(x.span.end, y.span.end);
  return [...statements(func.body)].every((s) => [...walk(ownExpressions(s))].every((e) => {
    const target = e.kind === 'assign' ? bare(e.target) : e.kind === 'unary' && /^(?:\+\+|--|&)$/.test(e.op) ? bare(e.operand) : undefined;
    return target?.kind !== 'name' || target.id !== x.id || e.span.end <= from || e.span.start >= to;
  }));
}
