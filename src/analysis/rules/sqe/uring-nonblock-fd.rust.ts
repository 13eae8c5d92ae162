/** Rust: requests that may not wait, and descriptors made non-blocking, where no completion knows EAGAIN. */
import { plain, rustCalls } from '../../idioms/rust-code';
import { allEntries, collect, descriptorOf, setter } from '../../idioms/rust-entries';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const MESSAGES = /^(?:Recv|Send|RecvMsg|SendMsg|RecvMulti|SendZc)$/;
const POLLED = /^(?:Read|Readv|Recv|RecvMsg|Send|SendMsg|Accept|RecvMulti|AcceptMulti)$/;
/** From here on requests on non-blocking descriptors are polled inside the kernel. */
const POLLS_INSIDE = 6000;

export function nonblockInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const reads = file.program.functions().some((f) => rustCalls(file, f).some((c) => c.path === 'io_uring::cqueue::Entry::result'));
  if (!reads || /\bE(?:AGAIN|WOULDBLOCK)\b|\bWouldBlock\b|POLL_FIRST/.test(file.text)) return;
  const entries = allEntries(file);
  for (const entry of entries) {
    const call = MESSAGES.test(entry.opcode) ? setter(entry, 'flags') : /^(?:Readv?|Writev?)$/.test(entry.opcode) ? setter(entry, 'rw_flags') : undefined;
    const names = new Map<string, NonNullable<typeof call>['args'][number]>();
    if (!call?.args[0] || !collect(call.args[0], names)) continue;
    const flag = [...names].find(([n]) => n === 'MSG_DONTWAIT' || n === 'RWF_NOWAIT');
    if (!flag) continue;
    report({
      at: placeOf(entry.func, flag[1]),
      message: `${flag[0]} makes this request complete with -EAGAIN when there is nothing to do yet, and no completion here handles that. Leave it out: the request then completes when it can.`,
    });
  }
  for (const func of file.program.functions(/set_nonblocking/)) {
    for (const { call, path } of rustCalls(file, func)) {
      if (!/^std::(?:net|os::unix::net)::\w+::set_nonblocking$/.test(path) || call.args[0]?.kind !== 'int' || call.args[0].value !== 1n || call.callee.kind !== 'member') continue;
      const socket = plain(call.callee.object);
      const text = file.source(placeOf(func, socket)).replace(/\s+/g, '');
      const used = entries.find((e) => e.func === func && POLLED.test(e.opcode) && [`${text}.as_raw_fd()`, `${text}.into_raw_fd()`].includes(descriptorOf(file, e) ?? ''));
      if (!used || rustCalls(file, func).some((c) => c.call !== call && c.call.callee.kind === 'member' && /^(?:accept|read|write|recv|send|incoming)$/.test(c.call.name) && file.source(placeOf(func, plain(c.call.callee.object))).replace(/\s+/g, '') === text)) continue;
      const { kernel } = file.target;
      report({
        at: placeOf(func, call), severity: kernel !== undefined && kernel < POLLS_INSIDE ? 'warning' : 'hint',
        message: 'This descriptor is made non-blocking and used with io_uring: older kernels complete such requests with -EAGAIN, which nothing here handles. io_uring needs no O_NONBLOCK.',
        related: [{ at: placeOf(func, used.make), message: 'used here' }],
      });
    }
  }
}
