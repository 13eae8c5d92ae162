/** Rust: zero-copy sends of the io-uring crate, and nobody tells their notifications apart. */
import { completionUse } from '../../idioms/rust-completions';
import { allEntries } from '../../idioms/rust-entries';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

export function sendZcInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const sends = allEntries(file).filter((e) => /^(?:SendZc|SendMsgZc)$/.test(e.opcode));
  if (!sends.length) return;
  const use = completionUse(file);
  if (!use.reads || use.flags || use.leads) return;
  for (const e of sends) {
    report({
      at: placeOf(e.func, e.make),
      message: 'This send completes twice, and nobody asks cqueue::notif(cqe.flags()): the kernel reads the buffer until the notification has come.',
    });
  }
}
