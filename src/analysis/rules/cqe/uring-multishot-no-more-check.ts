import { completionCode } from '../../idioms/completion-code';
import { bare, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
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
    if (file.program.mentions(func, /IORING_CQE_F_MORE/)) for (const at of armsWhatever(file, func)) report({
      at: placeOf(func, at), severity: 'information',
      message: 'This arms the request again whatever ended it: after an error that stays, such as -EBADF, -EINVAL or -ECANCELED, it fails at once each time, without an end. Look at the result first.',
    });
    const found = [...requests(func)];
    if (!found.length || file.program.names('IORING_CQE_F_MORE')) return;
    const code = completionCode(file);
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
/** `if (!(cqe->flags & IORING_CQE_F_MORE)) arm(…);` in a function that knows of no error. */
function* armsWhatever(file: View, func: Func): Generator<Expr> {
  const { program } = file;
  if (program.mentions(func, /\bE[A-Z]{3,}\b|fatal|error|fail/i)) return;
  const all = [...statements(func.body)];
  // whoever leaves at an error does not come here with one
  if (all.some((s) => s.kind === 'if' && s.test && /\bres\w*\s*(?:<=?\s*0)|\bres\w*\s*>=?\s*0/.test(file.source(placeOf(func, s.test))) && [...statements([...s.then, ...s.otherwise])].some((x) => /^(?:break|continue|return|goto|throw)$/.test(x.kind)))) return;
  for (const s of all) {
    const test = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'unary' || test.op !== '!' || ![...walk([test])].some((e) => e.kind === 'name' && e.name === 'IORING_CQE_F_MORE')) continue;
    if (all.some((o) => o !== s && o.kind === 'if' && o.span.start < s.span.start && s.span.end <= o.span.end && o.test && /\bres\b/.test(file.source(placeOf(func, o.test))))) continue;
    const arms = [...walk(s.then.flatMap(expressionsOf))].find((e) => e.kind === 'call' && (MULTISHOT.test(e.name) || (program.callee(e) && [...requests(program.callee(e)!)].length > 0)));
    if (arms) yield arms;
  }
}
/** A client that takes one completion and cancels the rest. */
function stopsAfterOne(file: View): boolean {
  return file.program.names('io_uring_prep_cancel') || file.program.names('io_uring_prep_cancel64') || file.program.names('io_uring_prep_cancel_fd') || file.program.names('io_uring_prep_poll_remove');
}
