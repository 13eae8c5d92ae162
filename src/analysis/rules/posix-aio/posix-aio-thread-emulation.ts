import { isPosixCall } from '../../idioms/posix-aio';
import { walkFunction } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule } from '../rule';

const STARTS = /^(?:aio_(?:read|write|fsync)|lio_listio)$/;
/** Systems whose kernels do POSIX AIO themselves, or at least are not glibc. */
const ELSEWHERE = /FreeBSD|NetBSD|OpenBSD|DragonFly|APPLE|_AIX|__sun|SOLARIS|_WIN32|QNX|hpux|!\s*(?:defined\s*\(?\s*)?__linux|ndef\s+__linux/i;

export const posixAioThreadEmulation: Rule = {
  info: {
    id: 'posix-aio-thread-emulation', languages: ['c', 'cpp'], severity: 'information', confidence: 'certain',
    summary: 'POSIX AIO on Linux is a pool of threads in glibc, and requests on one file run one after another.',
  },
  why: 'glibc does POSIX AIO with at most 20 threads of its own, and all requests on one descriptor are handled by one of them in turn: the queue depth on a file is 1. io_uring hands the requests to the kernel.',
  families: ['posix-aio'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\b(?:aio_(?:read|write|fsync)|lio_listio)(?:64)?\s*\(/)) {
      if (func.damaged) continue;
      for (const call of walkFunction(func)) {
        if (call.kind !== 'call' || !isPosixCall(file, call, STARTS) || file.conditions(func, call.span).some((c) => ELSEWHERE.test(c))) continue;
        report({
          at: placeOf(func, call),
          message: `${call.name}() is done by threads inside glibc, and requests on one descriptor run one after another. io_uring would hand them to the kernel, all at once.`,
        });
        return;
      }
    }
  },
};
