import { errnoMisuses, rawResultMisuses } from '../../idioms/errno-misuse';
import { isRawAsyncCall } from '../../idioms/return-convention';
import type { Call } from '../../model';
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
  },
};

function isLibaio(call: Call): boolean {
  return LIBAIO.test(call.name) && call.callee.kind === 'name';
}
function isRawAio(call: Call): boolean {
  const number = call.args[0];
  return isRawAsyncCall(call) && number?.kind === 'name' && !number.name.includes('io_uring');
}
