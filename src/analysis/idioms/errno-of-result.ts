/** Reads of errno where a request failed: its error is in what completed it, and errno knows nothing of it. */
import { bare, bodiesOf, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../model';
import { assignmentsOf } from './assignments';
import { isNull, operandOf } from './tested';

/** Calls that only report: before them nothing of the branch has set errno. */
const REPORTS = /print|log|perror|err|warn|strerror|puts|cqe_seen|cq_advance|str|what|exit|abort/i;

/** Reads of errno at the beginning of the branch that `res < 0` leads to, be it an `else`; `isField`: an expression is such a result. */
export function* errnoOfResult(func: Func, isField: (e: Expr) => boolean): Generator<Expr> {
  const copies = copiesOf(func, isField);
  const lists = [func.body, ...[...statements(func.body)].flatMap(bodiesOf)];
  for (const list of lists) {
    for (const [i, s] of list.entries()) {
      if (s.kind !== 'if' || !s.test) continue;
      const tested = operandOf(s.test);
      const operand = tested && bare(tested.operand);
      const failed = operand && tested.with === 0n ? (tested.op === '<' ? s.then : tested.op === '>=' ? s.otherwise : undefined) : undefined;
      if (!operand || !failed) continue;
      if (isField(operand) || (operand.kind === 'name' && ((copies.get(operand.id) ?? 0) > s.span.start || isCopied(list[i - 1], operand.id, isField)))) yield* errnoReads(failed);
    }
  }
}
/** Reads of errno at the beginning of the branch that a null pointer leads to, in a variable that only such calls fill. */
export function* errnoOfNull(func: Func, gives: (call: Call) => boolean): Generator<Expr> {
  const assigned = assignmentsOf(func);
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test) continue;
    const test = bare(s.test);
    const denied = test.kind === 'unary' && test.op === '!' ? bare(test.operand) : test.kind === 'binary' && test.op === '==' && isNull(test.right) ? bare(test.left) : undefined;
    const values = denied?.kind === 'name' && !func.params.some((p) => p.id === denied.id) ? assigned.get(denied.id) ?? [] : denied?.kind === 'assign' ? [denied] : [];
    const calls = values.map((a) => a.value && bare(a.value)).filter((v) => !v || !isNull(v));
    if (calls.length && calls.every((v) => v?.kind === 'call' && gives(v))) yield* errnoReads(s.then);
  }
}
/** Variables that begin as a copy of a result, and up to where they are one. */
function copiesOf(func: Func, isField: (e: Expr) => boolean): Map<string, number> {
  const copies = new Map<string, number>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && isField(s.init)) copies.set(s.local.id, Infinity);
  for (const e of walkFunction(func)) {
    if (e.kind !== 'assign' || e.target.kind !== 'name' || isField(e.value)) continue;
    const until = copies.get(e.target.id);
    if (until !== undefined) copies.set(e.target.id, Math.min(until, e.span.start));
  }
  return copies;
}
/** `ret = event.res;` right before. */
function isCopied(before: Stmt | undefined, id: string, isField: (e: Expr) => boolean): boolean {
  const e = before?.kind === 'expr' ? before.expr : undefined;
  return e?.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && e.target.id === id && isField(e.value);
}
function* errnoReads(body: Stmt[]): Generator<Expr> {
  for (const s of body) {
    if (s.kind === 'block') {
      yield* errnoReads(s.body);
      return;
    }
    if (s.kind !== 'expr' && s.kind !== 'return' && s.kind !== 'throw') return;
    const all = [...walk(expressionsOf(s))];
    for (const e of all) {
      if (e.kind === 'name' && e.name === 'errno' && !isWritten(all, e)) yield e;
      if (e.kind === 'call' && e.name === 'perror') yield e;
    }
    if (s.kind !== 'expr' || all.some((e) => (e.kind === 'call' && !REPORTS.test(e.name)) || (e.kind === 'assign' && e.target.kind === 'name' && e.target.name === 'errno'))) return;
  }
}
function isWritten(all: Expr[], e: Expr): boolean {
  return all.some((x) => x.kind === 'assign' && x.target === e);
}
