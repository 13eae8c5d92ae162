/** Rust: the result of a completion taken for an error number as it is. */
import { assignmentsTo } from '../../idioms/assignments';
import { declarationOf, plain, rustCalls } from '../../idioms/rust-code';
import { placeIn, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

/** What makes an error of an error number, which is positive. */
const MAKES = /(?:^|::)(?:from_raw_os_error|Errno::(?:from_i32|from_raw))$/;

export function errnoInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions(/from_raw_os_error|from_i32|from_raw\b/)) {
    if (func.damaged) continue;
    const results = new Set(rustCalls(file, func).filter((c) => c.path === 'io_uring::cqueue::Entry::result').map((c) => c.call));
    if (!results.size) continue;
    for (const call of walkFunction(func)) {
      const number = call.kind === 'call' && call.callee.kind === 'name' && MAKES.test(call.callee.name) ? call.args[0] : undefined;
      if (!number || !isResult(func, number, results)) continue;
      const code = plain(number);
      report({
        at: placeOf(func, number),
        message: 'The result of a failed operation is the negative error number, and this makes an error of a positive one: what comes out is an unknown error. Negate it.',
        fixes: code.kind === 'name' || code.kind === 'call'
          ? [{ title: 'Negate the result', edits: [{ place: placeIn(func, { start: number.span.start, end: number.span.start }), text: '-' }], safe: true }] : [],
      });
    }
  }
}

/** `cqe.result()`, or a variable that holds it and nothing else. */
function isResult(func: Func, e: Expr, results: ReadonlySet<Call>): boolean {
  const number = plain(e);
  if (number.kind === 'call') return results.has(number);
  if (number.kind !== 'name') return false;
  const statement = declarationOf(func, number.id)?.statement;
  const init = statement && !statement.bound && assignmentsTo(func, number.id).length <= 1 ? statement.init && plain(statement.init) : undefined;
  return init?.kind === 'call' && results.has(init);
}
