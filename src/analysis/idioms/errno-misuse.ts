/** Findings about libraries that return the negative error number, in code that reads errno or tests for -1. */
import { placeIn, walk, walkFunction, type Call, type Expr, type Func } from '../model';
import { placeOf } from '../source-file';
import type { Draft, DraftFix, View } from '../rules/rule';
import { errnoFixes } from './errno-fix';
import { errnoUses, minusOneTests, negatedResults } from './errno-uses';
import type { Returns } from './return-convention';
import { isNegativeError } from './tested';

type Is = (call: Call) => boolean;

/** Where errno, or -1, is taken for the answer of a library's call, also through the project's wrappers. */
export function errnoMisuses(file: View, func: Func, library: Is, report: (draft: Draft) => void): void {
  const concerns = (call: Call, returns: Returns): boolean => returns.convention === 'negative' && leadsTo(file, call, library);
  const both = bothConventions(func);
  const isPrepared = (e: Expr): boolean => both.some((b) => b.span.start <= e.span.start && e.span.end <= b.span.end);
  for (const use of errnoUses(file, func, concerns)) {
    if (isPrepared(use.at)) continue;
    const call = use.causes[0]!;
    const what = use.kind === 'errno' ? 'errno' : use.kind === '%m' ? '%m' : `${use.kind === 'perror' || use.at.kind !== 'call' ? 'perror' : use.at.name}()`;
    report({
      at: placeOf(func, use.at),
      message: `${call.name}() returns the negative error number and does not set errno, so ${what} speaks of an older error here. Use the result.`,
      related: [{ at: placeOf(func, call), message: 'this call failed' }],
      fixes: errnoFixes(file, func, use),
    });
  }
  for (const { test, operand, equal, call } of minusOneTests(file, func, concerns)) {
    if (isPrepared(test)) continue;
    report({
      at: placeOf(func, test),
      message: `${call.name}() fails with the negative error number: a test for -1 sees EPERM alone. Test for a negative result.`,
      fixes: signFix(file, func, test, operand, equal),
    });
  }
}

/** Where the result of a raw system call is taken for a negative error number. */
export function rawResultMisuses(file: View, func: Func, raw: Is, report: (draft: Draft) => void): void {
  if (!file.program.mentions(func, /strerror|\bE[A-Z]{3,}/) || handlesBoth(func)) return;
  for (const { at, call } of negatedResults(file, func, (c, r) => r.convention === 'minus one' && leadsTo(file, c, raw))) {
    report({
      at: placeOf(func, at),
      message: `${call.name}() runs the raw system call, which returns -1 and sets errno; the result is no error number here. Use errno.`,
    });
  }
}

/** `== -1` becomes `< 0`. */
export function signFix(file: View, func: Func, test: Expr, operand: Expr, equal: boolean): DraftFix[] {
  if (test.kind !== 'binary' || operand !== test.left) return [];
  const between = file.source(placeIn(func, { start: test.left.span.end, end: test.right.span.start }));
  const at = /(?:==|!=)\s*$/.exec(between)?.index;
  if (at === undefined) return [];
  const place = placeIn(func, { start: test.left.span.end + at, end: test.right.span.end });
  return [{ title: equal ? 'Test for < 0' : 'Test for >= 0', edits: [{ place, text: equal ? '< 0' : '>= 0' }], safe: true }];
}

/** Whether a call is one of these, or runs a project function that makes one. */
function leadsTo(file: View, call: Call, is: Is, depth = 0): boolean {
  const callee = file.program.callee(call);
  if (!callee) return is(call);
  return depth < 2 && [...walkFunction(callee)].some((e) => e.kind === 'call' && e.name !== callee.name && leadsTo(file, e, is, depth + 1))
    || [...walkFunction(callee)].some((e) => e.kind === 'call' && is(e) && !file.program.callee(e));
}

/** `(ret == -1 && errno == ENOSYS) || ret == -ENOSYS`: whichever way the error is told, it is seen. */
function bothConventions(func: Func): Expr[] {
  const mentions = (e: Expr, is: (x: Expr) => boolean): boolean => [...walk([e])].some(is);
  const isErrno = (x: Expr): boolean => x.kind === 'name' && x.name === 'errno';
  return [...walkFunction(func)].filter((e) => e.kind === 'binary' && e.op === '||' && mentions(e, isErrno)
    && [e.left, e.right].some((side) => !mentions(side, isErrno) && mentions(side, isNegativeError)));
}

/** `ret < 0 ? -ret : errno`: the function knows of two conventions. */
function handlesBoth(func: Func): boolean {
  for (const e of walkFunction(func)) if (e.kind === 'name' && e.name === 'errno') return true;
  return false;
}
