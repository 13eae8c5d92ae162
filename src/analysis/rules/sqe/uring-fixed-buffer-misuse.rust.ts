/** Rust: operations on registered buffers of the io-uring crate, without such buffers or beyond them. */
import { allRustCalls, declarationOf, fateOf, plain } from '../../idioms/rust-code';
import { allEntries } from '../../idioms/rust-entries';
import { allSetUps, numberOf } from '../../idioms/rust-uring';
import type { Call, Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const FIXED = /^(?:ReadFixed|WriteFixed|ReadvFixed|WritevFixed)$/;
const REGISTER = /^io_uring::(?:Submitter|IoUring)::register_buffers\w*$/;

export function fixedBuffersInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const registrations = allRustCalls(file).filter((c) => REGISTER.test(c.path) || /^register_(?:iovecs?|buffers\w*)$/.test(c.call.name));
  for (const { call, func, path } of registrations) {
    if (!REGISTER.test(path) || fate(func, call) !== 'discarded') continue;
    report({
      at: placeOf(func, call), severity: 'information',
      message: 'Whether the buffers were registered is not looked at: the memory is pinned and counts against RLIMIT_MEMLOCK, so ENOMEM is common. Requests on them fail with EFAULT then.',
    });
  }
  const entries = allEntries(file).filter((e) => FIXED.test(e.opcode));
  if (!entries.length) return;
  // a ring from elsewhere may have buffers
  const ownRings = allSetUps(file).length > 0 && !file.facts.fields.some((f) => /&.*\bIoUring\b/.test(f.type)) && !file.facts.functions.some((f) => f.params.some((p) => /\b(?:IoUring|SubmissionQueue|Submitter)\b/.test(p.type)) && !isCalledHere(file, f));
  for (const e of entries) {
    const index = e.make.args[3];
    if (!index) continue;
    if (!registrations.length && ownRings && !/register_buffers|register_buffer/.test(file.text)) {
      report({ at: placeOf(e.func, index), message: 'No buffers are registered with this ring: the request fails with EFAULT. Call register_buffers() first, or use the plain operation.' });
      continue;
    }
    const number = numberOf(file, index);
    const near = registrations.filter((r) => r.func === e.func);
    const meant = near.length ? near : registrations;
    const counts = meant.map((c) => countOf(file, c.func, c.call));
    const most = counts.length > 0 && counts.every((n) => n !== undefined) ? Math.max(...counts.map(Number)) : undefined;
    if (number !== undefined && most !== undefined && number >= BigInt(most)) {
      report({
        at: placeOf(e.func, index), message: `Buffers 0 to ${most - 1} are registered: the request fails with EFAULT.`,
        related: [{ at: placeOf(meant[0]!.func, meant[0]!.call), message: 'registered here' }],
      });
    }
  }
}
function fate(func: Func, call: Call): 'discarded' | 'used' {
  const f = fateOf(func, call);
  if (typeof f === 'string') return f;
  return f.method.name === 'ok' && fateOf(func, f.method) === 'discarded' ? 'discarded' : 'used';
}
function isCalledHere(file: SourceFile, func: Func): boolean {
  return allRustCalls(file).some((c) => c.call.name === func.name && c.func !== func);
}
/** How many buffers a registration has; undefined where the list is not written out. */
function countOf(file: SourceFile, func: Func, call: Call): number | undefined {
  if (call.name === 'register_buffers_sparse') return undefined;
  let list = call.args[0] && plain(call.args[0]);
  if (list?.kind === 'name') {
    const init = declarationOf(func, list.id)?.statement.init;
    list = init && plain(init);
  }
  if (list?.kind === 'call' && list.macro && list.name === 'vec') return undefined;
  if (list?.kind !== 'list') return undefined;
  const repeated = list.type === '[;]' ? numberOf(file, list.items[1]?.value) : undefined;
  return list.type === '[]' ? list.items.length : repeated === undefined ? undefined : Number(repeated);
}
