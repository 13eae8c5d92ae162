/** Rust: flags and operations of the io-uring crate that the kernel refuses together. */
import { withoutFlag } from '../../idioms/flag-fix';
import { rustCalls } from '../../idioms/rust-code';
import { allEntries, collect, flagsOf, queuedIn, setter } from '../../idioms/rust-entries';
import { numberOf, type Entry } from '../../idioms/rust-uring';
import { bare, walk, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft, DraftFix } from '../rule';

/** Operations that never pick a buffer of a group. */
const NO_BUFFERS = /^(?:Write|Writev|WriteFixed|ReadFixed|OpenAt|OpenAt2|Fsync|Close|Statx|Connect|Accept|AcceptMulti|PollAdd|Timeout|LinkTimeout|Nop|Fallocate|Shutdown|RenameAt|UnlinkAt|SendZc|SendMsgZc)$/;
const MAX_BUFFERS = 32768n;

export function invalidCombinationInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const e of allEntries(file)) {
    const flags = flagsOf(e);
    const at = (x: Expr) => placeOf(e.func, x);
    const select = flags?.get('BUFFER_SELECT');
    if (select && NO_BUFFERS.test(e.opcode)) report({ at: at(select), message: `${e.opcode} cannot pick a buffer of a group: with BUFFER_SELECT the kernel answers EOPNOTSUPP.` });
    const quiet = flags?.get('SKIP_SUCCESS');
    if (quiet && /^Send(?:Msg)?Zc$/.test(e.opcode)) report({ at: at(quiet), message: 'A zero-copy send always posts its completions: with SKIP_SUCCESS the kernel answers EINVAL.', fixes: withoutQuiet(file, e, quiet) });
    const fixed = flags?.get('FIXED_FILE');
    if (fixed && /^(?:OpenAt|OpenAt2|Close)$/.test(e.opcode)) report({ at: at(fixed), message: `${e.opcode} takes no registered file here: with FIXED_FILE the kernel answers EBADF.` });
    const wait = words(e, 'flags')?.get('MSG_WAITALL');
    if (wait && /^Recv(?:Msg)?Multi$/.test(e.opcode)) report({ at: at(wait), message: 'A multishot receive cannot wait for all: with MSG_WAITALL the kernel answers EINVAL.' });
    if (/^(?:Timeout|LinkTimeout)$/.test(e.opcode)) clocks(e, report);
    const length = e.opcode === 'ReadMulti' ? e.make.args[1] : undefined;
    if (length && (numberOf(file, length) ?? 0n) !== 0n) report({ at: at(length), message: 'A multishot read takes its length from the buffer group: with a length of its own the kernel answers EINVAL.' });
  }
  for (const func of file.program.functions(/IO_DRAIN|register_buf_ring/)) {
    if (func.damaged) continue;
    drains(file, func, report);
    bufferRings(file, func, report);
  }
}
/** Takes the flag out, and the call of `flags` with it where it asks for nothing else. */
function withoutQuiet(file: SourceFile, e: Entry, quiet: Expr): DraftFix[] {
  const title = 'Leave out SKIP_SUCCESS';
  const call = e.methods.find((m) => m.name === 'flags' && m.args.some((a) => [...walk([a])].includes(quiet)));
  const [all] = call?.args ?? [];
  if (call?.callee.kind !== 'member' || !all) return [];
  if (bare(all) !== quiet) return withoutFlag(file, e.func, all, quiet, title);
  return [{ title, safe: true, edits: [{ place: placeOf(e.func, { span: { start: call.callee.object.span.end, end: call.span.end } }), text: '' }] }];
}
function words(e: Entry, name: string): Map<string, Expr> | undefined {
  const call = setter(e, name);
  const out = new Map<string, Expr>();
  return call?.args[0] && collect(call.args[0], out) ? out : undefined;
}
function clocks(e: Entry, report: (draft: Draft) => void): void {
  const flags = words(e, 'flags');
  const [boot, real, multi, abs] = ['BOOTTIME', 'REALTIME', 'MULTISHOT', 'ABS'].map((n) => flags?.get(n));
  if (boot && real) report({ at: placeOf(e.func, real), message: 'A timeout has one clock: BOOTTIME and REALTIME together are refused with EINVAL.' });
  if (multi && abs) report({ at: placeOf(e.func, multi), message: 'A timeout that repeats has no absolute time: MULTISHOT and ABS together are refused with EINVAL.' });
}
/** A drained entry behind one without a completion, on the same ring. */
function drains(file: SourceFile, func: Func, report: (draft: Draft) => void): void {
  const queued = queuedIn(file, func);
  for (const q of queued) {
    const drain = flagsOf(q.entry)?.get('IO_DRAIN');
    const quiet = drain && queued.find((x) => x.ring !== undefined && x.ring === q.ring && flagsOf(x.entry)?.has('SKIP_SUCCESS'));
    if (drain && quiet) report({ at: placeOf(func, drain), message: 'A ring that used SKIP_SUCCESS cannot drain: the kernel answers EOPNOTSUPP.', related: [{ at: placeOf(func, quiet.entry.make), message: 'used here' }] });
  }
}
function bufferRings(file: SourceFile, func: Func, report: (draft: Draft) => void): void {
  for (const { call, path } of rustCalls(file, func)) {
    if (!/^io_uring::(?:Submitter|IoUring)::register_buf_ring/.test(path) || !call.args[1]) continue;
    const entries = numberOf(file, call.args[1]);
    if (entries === undefined || (entries > 0n && entries <= MAX_BUFFERS && (entries & (entries - 1n)) === 0n)) continue;
    report({ at: placeOf(func, call.args[1]), message: `The number of buffers must be a power of two and at most ${MAX_BUFFERS}; the kernel answers EINVAL.` });
  }
}
