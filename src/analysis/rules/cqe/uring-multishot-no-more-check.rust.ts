/** Rust: multishot requests of the io-uring crate, and nobody looks at the flags of completions. */
import { blindBranch } from '../../idioms/rust-branches';
import { completionUse } from '../../idioms/rust-completions';
import { allEntries, collect, setter } from '../../idioms/rust-entries';
import type { Entry } from '../../idioms/rust-uring';
import { walkFunction } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const MULTISHOT = /^(?:AcceptMulti|RecvMulti|RecvMsgMulti|RecvMultiBundle|ReadMulti|RecvZc)$/;

export function multishotInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const entries = allEntries(file).filter(isMultishot);
  if (!entries.length || /\bAsyncCancel2?\b/.test(file.text)) return;
  const use = completionUse(file);
  if (!use.reads || !use.repeated || use.leads) return;
  for (const e of entries) {
    if (use.flags && !isMissedIn(file, e)) continue;
    report({
      at: placeOf(e.func, e.make),
      message: 'This request goes on until a completion comes without the flag MORE, and nobody asks cqueue::more(cqe.flags()): when it ends, it is never armed again.',
    });
  }
}
/** The branch for its completions looks at no flags, and does not arm it again for another reason. */
function isMissedIn(file: SourceFile, e: Entry): boolean {
  const branch = blindBranch(file, e);
  return branch !== undefined && branch.func !== e.func && ![...walkFunction(branch.func)].some((c) => c.kind === 'call' && c.name === e.func.name);
}
function isMultishot(e: Entry): boolean {
  if (MULTISHOT.test(e.opcode)) return true;
  const multi = e.opcode === 'PollAdd' ? setter(e, 'multi')?.args[0] : undefined;
  if (multi) return multi.kind === 'int' && multi.value === 1n;
  const flags = e.opcode === 'Timeout' ? setter(e, 'flags')?.args[0] : undefined;
  const names = new Map();
  return flags !== undefined && collect(flags, names) && names.has('MULTISHOT');
}
