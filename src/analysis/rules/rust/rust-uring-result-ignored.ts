import { statements, type Expr, type Func } from '../../model';
import { rustTypes } from '../../usage/rust-types';
import { insertion, type DraftFix, type Rule } from '../rule';
import { placeOf, type SourceFile } from '../../source-file';

/** Operations whose result comes with the buffer. */
const WITH_BUFFER = new Set([
  'read_at', 'readv_at', 'read_exact_at', 'read_fixed_at', 'write_at', 'writev_at', 'writev_at_all', 'write_all_at', 'write_fixed_at', 'write_fixed_all_at',
  'read', 'read_fixed', 'readv', 'write', 'write_all', 'write_fixed', 'write_fixed_all', 'writev', 'writev_all', 'recv_from', 'send_to', 'send', 'recv',
  'send_zc', 'sendmsg', 'sendmsg_zc', 'recvmsg',
]);

export const rustUringResultIgnored: Rule = {
  info: {
    id: 'rust-uring-result-ignored', languages: ['rust'], severity: 'warning', confidence: 'certain',
    summary: 'The result of a tokio-uring operation is thrown away together with its error and byte count.',
  },
  why: 'tokio-uring gives back `(Result, buffer)`. Dropping the first element drops the error and the byte count, and the compiler says nothing.',
  families: ['tokio-uring'],
  checkFile(file, report) {
    const types = rustTypes(file.facts);
    for (const func of file.program.functions(/\blet\b/)) {
      if (func.damaged) continue;
      for (const s of statements(func.body)) {
        if (s.kind !== 'declare' || !s.pattern || s.pattern[0] !== '_' || s.init?.kind !== 'await') continue;
        const operation = operationOf(s.init.operand);
        if (!operation) continue;
        const type = types.typeOf(operation.receiver, func);
        if (!type || !/^tokio_uring::(?:fs|net)::/.test(type)) continue;
        // a wildcard for the whole tuple, or for its first element
        report({
          at: placeOf(func, s),
          message: `The result of ${type.replace(/^.*::/, '')}::${operation.name}() is thrown away: an error or a short transfer goes unnoticed.`,
          fixes: s.pattern.length === 2 ? fix(file, func, s) : [],
        });
      }
    }
  },
};

/** The operation of `x.read_at(…)` and `x.write_at(…).submit()`. */
function operationOf(e: Expr): { name: string; receiver: Expr } | undefined {
  if (e.kind !== 'call' || e.callee.kind !== 'member') return undefined;
  if (e.name === 'submit') return operationOf(e.callee.object);
  return WITH_BUFFER.has(e.name) ? { name: e.name, receiver: e.callee.object } : undefined;
}

/** Binds the result and hands its error on, where the function can return it. */
function fix(file: SourceFile, func: Func, s: { span: { start: number; end: number }; statement: { start: number; end: number }; pattern?: string[] }): DraftFix[] {
  if (!/\bResult\b/.test(func.returns) || func.kind !== 'function' || [...func.locals.values()].some((l) => l.name === 'res')) return [];
  const indent = file.indentation(placeOf(func, { span: s.statement }));
  const text = file.source(placeOf(func, s));
  return [{
    title: 'Bind the result and return its error',
    edits: [
      { place: placeOf(func, s), text: text.replace('_', 'res') },
      insertion(func, s.statement.end, `\n${indent}res?;`),
    ],
    safe: true,
  }];
}
