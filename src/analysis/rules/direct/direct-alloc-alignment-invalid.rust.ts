/** Rust: layouts that cannot be, and what becomes of the result of posix_memalign(). */
import { assignmentsTo } from '../../idioms/assignments';
import { plain } from '../../idioms/rust-code';
import { rustConstant } from '../../idioms/rust-direct';
import { integerOf, operandOf } from '../../idioms/tested';
import { isWithin, statements, walk, walkFunction, type Call, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function layoutsInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.program.mentions(func, /from_size_align/)) return;
  const unwrapped = new Set<unknown>();
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && (e.name === 'unwrap' || e.name === 'expect') && e.callee.kind === 'member') unwrapped.add(e.callee.object);
    if (e.kind === 'try') unwrapped.add(e.operand);
    if (e.kind !== 'call' || e.callee.kind !== 'name' || !/(?:^|::)Layout::from_size_align(?:_unchecked)?$/.test(e.callee.name) || !e.args[1]) continue;
    const alignment = rustConstant(file, e.args[1]);
    if (alignment === undefined || (alignment > 0n && (alignment & (alignment - 1n)) === 0n)) continue;
    const unchecked = e.name.endsWith('unchecked');
    if (!unchecked && !unwrapped.has(e)) continue;
    report({
      at: placeOf(func, e.args[1]),
      message: `An alignment of ${alignment} is no power of two: ${unchecked ? 'such a layout is undefined behaviour' : 'from_size_align() always returns an error'}.`,
    });
  }
}

/** Tests that never see it fail, and errno, which it leaves alone. */
export function resultsInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.program.mentions(func, /\bposix_memalign\b/) || file.program.defines('posix_memalign')) return;
  for (const e of walkFunction(func)) {
    const tested = e.kind === 'binary' ? operandOf(e) : undefined;
    const call = tested && allocationBehind(func, tested.operand);
    if (!tested || !call) continue;
    const never = (tested.with === 0n && (tested.op === '<' || tested.op === '>=')) || (tested.with === -1n && (tested.op === '==' || tested.op === '!='));
    const old = never ? undefined : lastErrorBehind(func, e);
    if (never) report({ at: placeOf(func, e), message: 'posix_memalign() returns 0 or a positive error number, so this test never sees a failure. Compare the result with 0.' });
    else if (old) report({ at: placeOf(func, old), message: 'posix_memalign() returns the error number and does not set errno, so this speaks of an older error. Use Error::from_raw_os_error() with the result.', related: [{ at: placeOf(func, call), message: 'this call failed' }] });
  }
}
/** The call whose result this is. */
function allocationBehind(func: Func, e: Expr): Call | undefined {
  let at = plain(e);
  if (at.kind === 'name') {
    const all = assignmentsTo(func, at.id);
    if (all.length !== 1 || !all[0]!.value) return undefined;
    at = plain(all[0]!.value);
  }
  return at.kind === 'call' && at.callee.kind === 'name' && /^(?:libc::)?posix_memalign$/.test(at.callee.name) ? at : undefined;
}
/** `Error::last_os_error()` on the way that this test for a failure opens. */
function lastErrorBehind(func: Func, test: Expr): Expr | undefined {
  if (test.kind !== 'binary' || test.op !== '!=' || integerOf(test.right) !== 0n) return undefined;
  const branch = [...statements(func.body)].find((s) => s.kind === 'if' && s.test !== undefined && plain(s.test) === test);
  const first = branch?.kind === 'if' ? branch.then[0] : undefined;
  const last = branch?.kind === 'if' ? branch.then.at(-1) : undefined;
  if (!first || !last) return undefined;
  const area: Span = { start: first.span.start, end: last.span.end };
  const calls = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && isWithin(e.span, area));
  const asked = calls.find((c) => /(?:^|::)Error::last_os_error$/.test(c.callee.kind === 'name' ? c.callee.name : ''));
  // whoever calls something else there may mean that
  return asked && calls.every((c) => c === asked || [...walk([c])].includes(asked)) ? asked : undefined;
}
