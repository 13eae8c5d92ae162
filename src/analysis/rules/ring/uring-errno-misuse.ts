import { isCqeField } from '../../idioms/declared-type';
import { errnoMisuses, rawResultMisuses, signFix } from '../../idioms/errno-misuse';
import { isRawAsyncCall } from '../../idioms/return-convention';
import { operandOf } from '../../idioms/tested';
import { bare, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

export const uringErrnoMisuse: Rule = {
  info: {
    id: 'uring-errno-misuse', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'errno is read where liburing failed: liburing returns the negative error and never sets errno.',
  },
  why: 'liburing returns the negative error number and never sets errno, and the result of a request is in `cqe->res` alone; what errno holds is stale. The raw system calls are the other way round.',
  families: ['liburing', 'raw-io-uring'],
  check(file, func, report) {
    if (func.damaged) return;
    errnoMisuses(file, func, isLiburing, report);
    rawResultMisuses(file, func, isRawUring, report);
    if (!file.program.mentions(func, /res/)) return;
    for (const at of errnoOfCompletion(file, func)) {
      report({ at: placeOf(func, at), message: 'A request\'s error is in cqe->res, as a negative error number; errno knows nothing of it. Use -cqe->res.' });
    }
    for (const e of walkFunction(func)) {
      if (e.kind !== 'binary') continue;
      const tested = operandOf(e);
      if (tested?.with !== -1n || (tested.op !== '==' && tested.op !== '!=') || !isCqeField(file, func, tested.operand, 'res')) continue;
      report({
        at: placeOf(func, e), message: 'cqe->res holds the negative error number: a test for -1 sees EPERM alone. Test for a negative result.',
        fixes: signFix(file, func, e, tested.operand, tested.op === '=='),
      });
    }
  },
};

function isLiburing(call: Call): boolean {
  return call.callee.kind === 'name' && call.name.startsWith('io_uring_');
}
function isRawUring(call: Call): boolean {
  const number = call.args[0];
  return isRawAsyncCall(call) && number?.kind === 'name' && number.name.includes('io_uring');
}

/** Calls that only report: before them nothing of the branch has set errno. */
const REPORTS = /print|log|perror|err|warn|strerror|puts|cqe_seen|cq_advance|str|what|exit|abort/i;
/** Reads of errno at the beginning of the branch that `cqe->res < 0` leads to. */
function* errnoOfCompletion(file: View, func: Func): Generator<Expr> {
  const copies = copiesOfResult(file, func);
  const isResult = (e: Expr): boolean => {
    const inner = bare(e);
    return isCqeField(file, func, inner, 'res') || (inner.kind === 'name' && copies.has(inner.id));
  };
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test) continue;
    const tested = operandOf(s.test);
    const failure = tested && isResult(tested.operand) && tested.op === '<' && tested.with === 0n;
    if (failure) yield* errnoReads(s.then);
  }
}
/** Variables that are only ever a copy of `cqe->res`. */
function copiesOfResult(file: View, func: Func): Set<string> {
  const copies = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && isCqeField(file, func, s.init, 'res')) copies.add(s.local.id);
  for (const e of walkFunction(func)) if (e.kind === 'assign' && e.target.kind === 'name' && !isCqeField(file, func, e.value, 'res')) copies.delete(e.target.id);
  return copies;
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
