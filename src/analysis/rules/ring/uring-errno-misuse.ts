import { isCqeField } from '../../idioms/declared-type';
import { errnoOfNull, errnoOfResult } from '../../idioms/errno-of-result';
import { errnoMisuses, rawResultMisuses, signFix } from '../../idioms/errno-misuse';
import { isRawAsyncCall } from '../../idioms/return-convention';
import { operandOf } from '../../idioms/tested';
import { walkFunction, type Call } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule } from '../rule';
import { errnoInRust } from './uring-errno-misuse.rust';

export const uringErrnoMisuse: Rule = {
  info: {
    id: 'uring-errno-misuse', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'certain',
    summary: 'errno is read where liburing failed: liburing returns the negative error and never sets errno.',
  },
  why: 'liburing returns the negative error number and never sets errno, and the result of a request is in `cqe->res` alone; what errno holds is stale. The raw system calls are the other way round.',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') errnoInRust(file, report);
  },
  check(file, func, report) {
    if (func.damaged || file.language === 'rust') return;
    errnoMisuses(file, func, isLiburing, report);
    rawResultMisuses(file, func, isRawUring, report);
    if (file.program.mentions(func, /io_uring_get_sqe/)) {
      for (const at of errnoOfNull(func, (call) => call.callee.kind === 'name' && call.name === 'io_uring_get_sqe')) {
        report({ at: placeOf(func, at), message: 'io_uring_get_sqe() returns NULL where the submission queue is full and does not set errno, so errno speaks of an older error here. Say that the queue is full.' });
      }
    }
    if (!file.program.mentions(func, /res/)) return;
    for (const at of errnoOfResult(func, (e) => isCqeField(file, func, e, 'res'))) {
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
