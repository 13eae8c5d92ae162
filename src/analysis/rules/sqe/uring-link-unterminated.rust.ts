/** Rust: entries of the io-uring crate with a link that nothing follows before the submission. */
import { rustCalls } from '../../idioms/rust-code';
import { behind, flagsOf, makesRoom, queuedIn } from '../../idioms/rust-entries';
import { PUSH, pushesOf, SUBMIT } from '../../idioms/rust-uring';
import type { Call } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

export function linkUnterminatedInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions(/\bIO_(?:HARD)?LINK\b/)) {
    if (func.damaged) continue;
    const queued = queuedIn(file, func);
    const paths = new Map(rustCalls(file, func).map((c) => [c.call, c.path]));
    const pushes = pushesOf(file, func).map((c) => c.call);
    for (const { entry, push, index } of queued) {
      const link = flagsOf(entry)?.get('IO_LINK') ?? flagsOf(entry)?.get('IO_HARDLINK');
      // the next of a list hangs on it
      if (!link || queued.some((q) => q.push === push && q.index > index) || hasMore(push, index)) continue;
      const flow = file.program.flow(func);
      if (!flow) break;
      const submit = behind(flow, push, (c) => SUBMIT.test(paths.get(c) ?? '') && !makesRoom(func, c, pushes), (c) => PUSH.test(paths.get(c) ?? '') || mayQueue(c, paths));
      if (!submit) continue;
      const after = behind(flow, submit, (c) => pushes.includes(c) && c !== push, () => false);
      report(after && after.span.start > submit.span.start ? {
        at: placeOf(func, submit),
        message: 'This submission comes in the middle of a chain: a link does not reach across it, so what is pushed next does not wait for what is linked here.',
        related: [{ at: placeOf(func, link), message: 'the link' }, { at: placeOf(func, after), message: 'the next entry' }],
      } : {
        at: placeOf(func, link),
        message: 'This is the last entry before the submission: there is nothing for the link to hold on to, and it sends the request to a worker thread. Leave it off the last entry.',
        related: [{ at: placeOf(func, submit), message: 'submitted here' }],
      });
    }
  }
}
/** Something unknown comes behind it in the same list. */
function hasMore(push: Call, index: number): boolean {
  let list = push.args[0];
  while (list?.kind === 'unary') list = list.operand;
  return push.name === 'push_multiple' && (list?.kind !== 'list' || list.items.length > index + 1);
}
/** Helpers that put something in the queue. */
function mayQueue(call: Call, paths: Map<Call, string>): boolean {
  return !(paths.get(call) ?? '').startsWith('io_uring::') && /push|queue|enqueue|prep|add|send|write|read|sync|close/i.test(call.name) && !call.macro && !/^(?:is_\w+|as_raw_fd|unwrap|expect|map_err|read|write)$/.test(call.name);
}
