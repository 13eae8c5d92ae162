/** Rust: zero-copy sends of the io-uring crate, and nobody tells their notifications apart. */
import { blindBranch } from '../../idioms/rust-branches';
import { completionUse } from '../../idioms/rust-completions';
import { allEntries } from '../../idioms/rust-entries';
import type { Entry } from '../../idioms/rust-uring';
import { isWithin, walkFunction } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

export function sendZcInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const sends = allEntries(file).filter((e) => /^(?:SendZc|SendMsgZc)$/.test(e.opcode));
  if (!sends.length) return;
  const use = completionUse(file);
  if (!use.reads || use.leads) return;
  for (const e of sends) {
    if (use.flags && !givesBack(file, e)) continue;
    report({
      at: placeOf(e.func, e.make),
      message: 'This send completes twice, and nobody asks cqueue::notif(cqe.flags()): the kernel reads the buffer until the notification has come.',
    });
  }
}

/** The branch for completions of the send gives the buffer back, or counts the send as done, by whichever comes first. */
function givesBack(file: SourceFile, send: Entry): boolean {
  const branch = blindBranch(file, send);
  return branch !== undefined && [...walkFunction(branch.func)].some((e) => isWithin(e.span, branch.span) && ((e.kind === 'call' && /free|release|remove|recycle|put|give|return|dealloc/i.test(e.name)) || (e.kind === 'assign' && e.op === '-')));
}
