/** Rust: `setup_sqpoll` and what the oldest kernel wants for it. */
import { KERNEL } from '../../api/versions';
import { allEntries } from '../../idioms/rust-entries';
import { allSetUps, numberOf, type SetUp } from '../../idioms/rust-uring';
import { walk, type Call } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

export function sqpollInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const s of allSetUps(file)) {
    const call = s.options.get('setup_sqpoll');
    const draft = call && (plainFiles(file, s, call) ?? privileges(file, s, call) ?? idle(file, s, call));
    if (draft) report(draft);
  }
}

function plainFiles(file: SourceFile, s: SetUp, call: Call): Draft | undefined {
  const { kernel } = file.target;
  if (kernel === undefined || kernel >= KERNEL.sqpollPlainFds || /register_files|is_feature_sqpoll_nonfixed|types::Fixed\b/.test(file.text)) return undefined;
  const plain = allEntries(file).find((e) => [...walk(e.make.args)].some((a) => a.kind === 'call' && a.callee.kind === 'name' && /(?:^|::)Fd$/.test(a.callee.name)));
  return plain && {
    at: placeOf(s.func, { span: call.nameSpan }), severity: 'error',
    message: 'Before Linux 5.11 a ring with setup_sqpoll() takes registered files only (register_files() and types::Fixed); plain descriptors fail with EBADF.',
    related: [{ at: placeOf(plain.func, plain.make), message: 'a plain descriptor' }],
  };
}
function privileges(file: SourceFile, s: SetUp, call: Call): Draft | undefined {
  const { kernel } = file.target;
  if (kernel === undefined || kernel >= KERNEL.sqpollUnprivileged || /\bE(?:PERM|ACCES)\b|PermissionDenied|geteuid|CAP_SYS/.test(file.text)) return undefined;
  return {
    at: placeOf(s.func, { span: call.nameSpan }), severity: 'warning',
    message: 'Before Linux 5.13 setup_sqpoll() needs privileges (root up to 5.10, CAP_SYS_NICE after that) and fails with EPERM without them, which nothing here looks for.',
  };
}
function idle(file: SourceFile, s: SetUp, call: Call): Draft | undefined {
  if (numberOf(file, call.args[0]) !== 0n) return undefined;
  return { at: placeOf(s.func, call.args[0]!), severity: 'hint', message: 'An idle time of 0 means one second: then the thread sleeps, and the next submission has to wake it. Say how long it may spin.' };
}
