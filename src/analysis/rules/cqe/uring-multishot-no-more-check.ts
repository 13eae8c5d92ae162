import { completionCode } from '../../idioms/completion-code';
import { walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { multishotInRust } from './uring-multishot-no-more-check.rust';
import type { Rule, View } from '../rule';

const MULTISHOT = /^io_uring_prep_(?:multishot_accept(?:_direct)?|recv_multishot|recvmsg_multishot|read_multishot|poll_multishot|waitid_multishot)$/;
/** Flags that make other preparations so. */
const FLAGS = new Set(['IORING_TIMEOUT_MULTISHOT', 'IORING_RECV_MULTISHOT', 'IORING_ACCEPT_MULTISHOT', 'IORING_POLL_ADD_MULTI']);

export const uringMultishotNoMoreCheck: Rule = {
  info: {
    id: 'uring-multishot-no-more-check', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'likely',
    summary: 'A multishot request is queued and IORING_CQE_F_MORE is never tested: when it ends, nobody arms it again.',
  },
  why: 'A completion without IORING_CQE_F_MORE is the last one of its request: after an error, an overflow of the queue, -ENOBUFS or a cancellation. Nothing is accepted or received from then on until it is armed again.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') multishotInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (func.damaged || !file.program.mentions(func, /multishot|_MULTI/i)) return;
    const found = [...requests(func)];
    if (!found.length || file.program.names('IORING_CQE_F_MORE')) return;
    const code = completionCode(file.program);
    if (!code.reads || !code.repeated || code.leads || stopsAfterOne(file)) return;
    for (const at of found) report({
      at: placeOf(func, at),
      message: 'This request goes on until a completion comes without IORING_CQE_F_MORE, and nobody tests that flag: when it ends, it is never armed again.',
    });
  },
};

function* requests(func: Func): Generator<Expr> {
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && (MULTISHOT.test(e.name) || (/^io_uring_prep_/.test(e.name) && setsFlag(e)))) yield e;
    else if (e.kind === 'assign' && e.value.kind === 'name' && FLAGS.has(e.value.name)) yield e;
  }
}
function setsFlag(call: Call): boolean {
  return call.args.some((a) => a.kind === 'name' && FLAGS.has(a.name));
}
/** A client that takes one completion and cancels the rest. */
function stopsAfterOne(file: View): boolean {
  return file.program.names('io_uring_prep_cancel') || file.program.names('io_uring_prep_cancel64') || file.program.names('io_uring_prep_cancel_fd') || file.program.names('io_uring_prep_poll_remove');
}
