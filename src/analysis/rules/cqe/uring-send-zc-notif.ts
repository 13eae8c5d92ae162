import { completionCode } from '../../idioms/completion-code';
import { walkFunction } from '../../model';
import { placeOf } from '../../source-file';
import { sendZcInRust } from './uring-send-zc-notif.rust';
import type { Rule } from '../rule';

const ZERO_COPY = /^io_uring_prep_(?:send_zc(?:_fixed)?|sendmsg_zc(?:_fixed)?)$/;

export const uringSendZcNotif: Rule = {
  info: {
    id: 'uring-send-zc-notif', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'A zero-copy send is queued and its notification never told apart: the buffer is reused too early.',
  },
  why: 'A zero-copy send completes twice: with its result, and later with IORING_CQE_F_NOTIF. Only then has the kernel let go of the memory; and who counts one completion for each send is off by as many.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') sendZcInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    const { program } = file;
    if (func.damaged || !program.mentions(func, /io_uring_prep_send(?:msg)?_zc/)) return;
    if (program.names('IORING_CQE_F_NOTIF') || program.names('IORING_CQE_F_MORE') || program.names('IORING_NOTIF_USAGE_ZC_COPIED')) return;
    const code = completionCode(file);
    if (!code.reads || code.leads) return;
    for (const e of walkFunction(func)) {
      if (e.kind !== 'call' || !ZERO_COPY.test(e.name)) continue;
      report({
        at: placeOf(func, e),
        message: 'This send completes twice, and nobody tests IORING_CQE_F_NOTIF: the kernel reads the buffer until that completion has come.',
      });
    }
  },
};
