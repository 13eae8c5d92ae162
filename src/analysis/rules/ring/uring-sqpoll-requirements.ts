import { KERNEL } from '../../api/versions';
import { fieldStore, flagsExpression, flagsPlace, ownSetups, paramsOf, setupFlag, surely, type Setup } from '../../idioms/ring-setup';
import { bare, statements, walk, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type Draft, type DraftFix, type Rule, type View } from '../rule';
import { sqpollInRust } from './uring-sqpoll-requirements.rust';

export const uringSqpollRequirements: Rule = {
  info: {
    id: 'uring-sqpoll-requirements', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'certain',
    summary: 'IORING_SETUP_SQPOLL without what the oldest kernel needs for it, or without a word on when its thread sleeps.',
  },
  why: 'Before Linux 5.11 a ring with SQPOLL takes registered files only, and before 5.13 it needs privileges. Its thread goes to sleep after `sq_thread_idle` milliseconds, one second when that is 0, and raw code must then wake it.',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') sqpollInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (func.damaged || !file.program.mentions(func, /ring|SETUP_SQPOLL/i)) return;
    for (const s of ownSetups(file, func)) {
      const asked = surely(s.flags, setupFlag('SQPOLL')) || (s.flags === undefined && s.at === s.call && isWritten(s));
      if (!asked) continue;
      const draft = plainFiles(file, s) ?? privileges(file, s) ?? sleeper(file, s) ?? idle(file, s);
      if (draft) report(draft);
    }
  },
};

/** `IORING_SETUP_SQPOLL | more` */
function isWritten(s: Setup): boolean {
  const e = flagsExpression(s.func, s.call);
  const parts = (x: Expr): Expr[] => {
    const inner = bare(x);
    return inner.kind === 'binary' && inner.op === '|' ? [...parts(inner.left), ...parts(inner.right)] : [inner];
  };
  return e !== undefined && parts(e).some((p) => p.kind === 'name' && p.name === 'IORING_SETUP_SQPOLL');
}
function anywhere(file: View, word: RegExp): boolean {
  return file.program.functions(word).length > 0;
}

function plainFiles(file: View, s: Setup): Draft | undefined {
  const { kernel } = file.target;
  if (kernel === undefined || kernel >= KERNEL.sqpollPlainFds || anywhere(file, /register_files|REGISTER_FILES|SQPOLL_NONFIXED/)) return undefined;
  return { at: flagsPlace(s), severity: 'error', message: 'Before Linux 5.11 a ring with IORING_SETUP_SQPOLL takes registered files only (io_uring_register_files() and IOSQE_FIXED_FILE); plain descriptors fail with EBADF.' };
}
function privileges(file: View, s: Setup): Draft | undefined {
  const { kernel } = file.target;
  if (kernel === undefined || kernel >= KERNEL.sqpollUnprivileged || anywhere(file, /\bEPERM\b|\bEACCES\b|geteuid|CAP_SYS/)) return undefined;
  return { at: flagsPlace(s), severity: 'warning', message: 'Before Linux 5.13 IORING_SETUP_SQPOLL needs privileges (root up to 5.10, CAP_SYS_NICE after that) and fails with EPERM without them, which nothing here looks for.' };
}

/** Raw code that puts requests in the queue, and never wakes the thread. */
function sleeper(file: View, s: Setup): Draft | undefined {
  if (s.call.name !== 'syscall' && s.call.name !== 'io_uring_setup') return undefined;
  if (file.includes('liburing.h') || !anywhere(file, /tail/)) return undefined;
  const wakes = anywhere(file, /NEED_WAKEUP/);
  if (wakes && anywhere(file, /__sync_synchronize|atomic_thread_fence|__sync_\w+|\bs?mp?_?mb\b|smp_mb|full_?barrier|memory_?barrier|seq_cst|SEQ_CST|mfence|\bmb\s*\(|barrier/i)) return undefined;
  if (anywhere(file, /io_uring_submit\b|sq_ring_needs_enter/)) return undefined;
  return {
    at: flagsPlace(s), severity: 'error',
    message: wakes ? 'IORING_SQ_NEED_WAKEUP is tested without a full memory barrier behind the store to the tail: the thread may fall asleep in between, and the requests stay where they are.'
      : 'Nothing tests IORING_SQ_NEED_WAKEUP: once the SQPOLL thread sleeps, requests stay in the queue until io_uring_enter() is called with IORING_ENTER_SQ_WAKEUP.',
  };
}

function idle(file: View, s: Setup): Draft | undefined {
  if (anywhere(file, /sq_thread_idle/)) return undefined;
  return {
    at: flagsPlace(s), severity: 'hint',
    message: 'sq_thread_idle is left 0, which means one second: then the thread sleeps, and the next submission has to wake it. Say how long it may spin.',
    fixes: idleFix(file, s),
  };
}
/** Behind the flags, in a designated initialiser or as an assignment. */
function idleFix(file: View, s: Setup): DraftFix[] {
  const params = s.at === s.call ? paramsOf(s.call) : undefined;
  const value = params && s.call.name !== 'io_uring_queue_init' ? fieldStore(s.func, s.call, params, 'flags') : undefined;
  if (!params || !value) return [];
  const title = 'Set sq_thread_idle';
  for (const st of statements(s.func.body)) {
    if (st.kind === 'declare' && st.local.id === params.id && st.init && [...walk([st.init])].includes(value)) {
      return [{ title, safe: true, edits: [insertion(s.func, value.span.end, ', .sq_thread_idle = 2000')] }];
    }
    if (st.kind !== 'expr' || st.expr.kind !== 'assign' || st.expr.value !== value) continue;
    const place = placeOf(s.func, st);
    const target = st.expr.target.kind === 'member' ? objectText(file, s.func, st.expr.target) : undefined;
    if (target === undefined || !isInBlock(file, place)) return [];
    return [{ title, safe: true, edits: [insertion(s.func, st.span.end, `\n${file.indentation(place)}${target}sq_thread_idle = 2000;`)] }];
  }
  return [];
}
/** `p.` or `p->` in front of the field. */
function objectText(file: View, func: Func, member: Extract<Expr, { kind: 'member' }>): string {
  return file.source(placeOf(func, { span: { start: member.span.start, end: member.fieldSpan.start } }));
}
