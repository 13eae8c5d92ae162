import { mishaps, type Request } from '../../idioms/in-flight';
import { walkFunction, type Call, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

/** Requests that wait for somebody else, maybe for ever. */
const PENDS = /^(?:recv|recvmsg|recv_multishot|recvmsg_multishot|accept|accept_direct|multishot_accept\w*|poll_add|poll_multishot|read_multishot)$/;

export const uringFdClosedInFlight: Rule = {
  info: {
    id: 'uring-fd-closed-in-flight', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A descriptor is closed while a request on it waits, and the code then expects that request to finish.',
  },
  why: 'A pending request keeps its own reference to the file. close() neither completes nor cancels it, and the number may be given to another connection meanwhile.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /io_uring_prep_/) || !file.program.mentions(func, /close/)) return;
    for (const m of mishaps(file.program, func) ?? []) {
      if (m.kind !== 'closed' || !pends(file, func, m.request) || !expected(func, m.at)) continue;
      // a linked close comes after the request
      if (m.at.name !== 'close' && file.program.mentions(func, /IOSQE_IO_(?:HARD)?LINK/)) continue;
      report({
        at: placeOf(func, m.at),
        message: 'A request on this descriptor is pending: closing it neither completes nor cancels the request. Use shutdown(), or cancel it, and wait for its completion first.',
        related: [{ at: placeOf(func, m.request.call), message: 'the request' }],
      });
    }
  },
};

function pends(file: View, func: Func, request: Request): boolean {
  if (PENDS.test(request.op)) return true;
  // a read of something that need not have data
  return request.op === 'read' && file.program.mentions(func, /\b(?:eventfd|timerfd_create|pipe2?|socket|accept4?|signalfd|inotify_init1?)\s*\(/);
}
/** The code goes on to wait, or gives the memory back. */
function expected(func: Func, close: Call): boolean {
  return [...walkFunction(func)].some((e) => e.kind === 'call' && e.span.start > close.span.end && (/^io_uring_(?:wait_cqe|peek_|for_each_cqe|submit_and_wait)/.test(e.name) || /^(?:free|delete)$/.test(e.name)));
}
