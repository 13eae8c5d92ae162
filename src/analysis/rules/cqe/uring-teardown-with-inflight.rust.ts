/** Rust: a wait that timed out, and a return that frees the buffer of the request it waited for. */
import { declarationOf, leaves, plain, usesOf } from '../../idioms/rust-code';
import { mentionsIn } from '../../idioms/rust-completions';
import { queuedIn } from '../../idioms/rust-entries';
import { pointeeOf, submitsOf } from '../../idioms/rust-uring';
import { isWithin, ownExpressions, statements, walk, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const TRANSFERS = /^(?:Read|Write|Recv|Send|ReadFixed|WriteFixed)$/;

export function teardownInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions(/\bETIME\b|TimedOut/)) {
    if (func.damaged || file.program.mentions(func, /AsyncCancel|sync_cancel|cancel/i)) continue;
    for (const { entry, push } of queuedIn(file, func)) {
      const buffer = TRANSFERS.test(entry.opcode) ? pointeeOf(func, entry.make.args[1]) : undefined;
      const declared = buffer && declarationOf(func, buffer.id)?.statement;
      if (!buffer || !declared?.init || plain(declared.init).kind === 'name' || usesOf(func, buffer.id).some((u) => u.how === 'moved' || u.inner)) continue;
      const wait = submitsOf(file, func).find((s) => s.call.span.start > push.span.end);
      const branch = wait && timedOut(func, wait.call.span);
      if (!branch) continue;
      report({
        at: placeOf(func, { span: branch }),
        message: `The wait ended without the request: it is still running and may use ${buffer.name}, which is freed on this way. Cancel it, and wait for its completion.`,
        related: [{ at: placeOf(func, entry.make), message: 'the request' }],
      });
    }
  }
}

/** The statement that leaves where the wait ended with ETIME. */
function timedOut(func: Func, wait: Span): Span | undefined {
  for (const s of statements(func.body)) {
    if (s.span.end < wait.start) continue;
    if (s.kind === 'if' && s.test && s.span.start > wait.start && [...walk([s.test])].some((e) => e.kind === 'name' && /(?:^|::)(?:ETIME|TimedOut)$/.test(e.name)) && leaves(s.then, false)) return lastOf(s.then);
    if (s.kind !== 'switch' || !isWithin(wait, s.subject.span)) continue;
    const late = s.cases.find((c) => /^Err\b/.test(c.pattern ?? '') && leaves(c.body, false) && c.body.some((x) => ownExpressions(x).length > 0) && mentionsIn(func, spanOf(c.body), /ETIME$|TimedOut$|raw_os_error$/));
    if (late) return lastOf(late.body);
  }
  return undefined;
}
function spanOf(body: Stmt[]): Span {
  return { start: body[0]!.span.start, end: body[body.length - 1]!.span.end };
}
function lastOf(body: Stmt[]): Span {
  return ([...statements(body)].find((s) => s.kind === 'return') ?? body[body.length - 1]!).span;
}
