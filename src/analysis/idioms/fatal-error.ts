/** Programs that end because of an error that only says: not now. */
import { bare, expressionsOf, walk, type Call, type Expr, type Func, type Stmt, statements } from '../model';
import type { View } from '../rules/rule';
import { resultFlow } from './return-convention';
import { isNegativeError } from './tested';

const ENDS = /^(?:_?exit|_Exit|quick_exit|abort|errx?|verrx?)$/;

/** The call that ends the program where `call` gave one of these errors, tested for by its name. */
export function endsOn(file: View, func: Func, call: Call, errors: ReadonlySet<string>): Call | undefined {
  for (const s of statements(func.body)) {
    const test = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'binary' || (test.op !== '==' && test.op !== '!=') || test.span.start < call.span.start) continue;
    const [side, other] = isNegativeError(test.right) ? [test.right, test.left] : [test.left, test.right];
    if (!errors.has(errorIn(side)) || !comesFrom(file, func, test, other, call)) continue;
    const end = first(test.op === '==' ? s.then : s.otherwise);
    if (end) return end;
  }
  return undefined;
}
function comesFrom(file: View, func: Func, test: Expr, operand: Expr, call: Call): boolean {
  let found = false;
  const results = resultFlow(file, func);
  results?.tests((at, state) => {
    const sources = at === test ? results.sources(operand, state) : undefined;
    if (sources?.size === 1 && sources.has(call)) found = true;
  });
  return found;
}
/** The end of the program among statements that do nothing else but report. */
function first(body: Stmt[]): Call | undefined {
  for (const s of body.flatMap((x) => (x.kind === 'block' ? x.body : [x]))) {
    if (s.kind !== 'expr') return undefined;
    const end = [...walk(expressionsOf(s))].find((e): e is Call => e.kind === 'call' && ENDS.test(e.name));
    if (end) return end;
    if (s.expr.kind !== 'call' || !/print|puts|perror|log|warn|strerror/i.test(s.expr.name)) return undefined;
  }
  return undefined;
}
function errorIn(e: Expr): string {
  const inner = bare(e);
  const name = inner.kind === 'unary' && inner.op === '-' ? bare(inner.operand) : undefined;
  return name?.kind === 'name' ? name.name : '';
}
