import { typeNameOf } from '../../idioms/declared-type';
import { errnoOfResult } from '../../idioms/errno-of-result';
import { errnoMisuses, rawResultMisuses } from '../../idioms/errno-misuse';
import { isRawAsyncCall } from '../../idioms/return-convention';
import { bare, type Call, type Expr } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule } from '../rule';

const LIBAIO = /^io_(?:setup|destroy|submit|p?getevents|cancel|queue_(?:init|release|run))$/;

export const aioErrnoMisuse: Rule = {
  info: {
    id: 'aio-errno-misuse', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'errno is read where a libaio call failed: libaio returns the negative error and leaves errno alone.',
  },
  why: 'libaio returns the negative error number and does not set errno; what errno holds is stale. The raw system calls are the other way round: they return -1 and set errno.',
  families: ['libaio', 'raw-aio'],
  check(file, func, report) {
    if (func.damaged) return;
    if (file.program.mentions(func, /\bio_|submit|getevents/)) errnoMisuses(file, func, isLibaio, report);
    rawResultMisuses(file, func, isRawAio, report);
    if (!file.program.mentions(func, /\bres\b/)) return;
    const isResult = (e: Expr): boolean => {
      const inner = bare(e);
      return inner.kind === 'member' && inner.field === 'res' && typeNameOf(file, func, inner.object) === 'io_event';
    };
    for (const at of errnoOfResult(func, isResult)) {
      report({ at: placeOf(func, at), message: 'The error of a request is in the `res` of its event, as a negative error number; errno knows nothing of it. Use that.' });
    }
  },
};

function isLibaio(call: Call): boolean {
  return LIBAIO.test(call.name) && call.callee.kind === 'name';
}
function isRawAio(call: Call): boolean {
  const number = call.args[0];
  return isRawAsyncCall(call) && number?.kind === 'name' && !number.name.includes('io_uring');
}
