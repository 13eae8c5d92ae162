/** What a file does with completions of the io-uring crate. */
import { isWithin, walkFunction, type Call, type Func } from '../model';
import type { SourceFile } from '../source-file';
import { allRustCalls, parentOf, plain, rustCalls, typeOf, usesOf } from './rust-code';

export interface CompletionUse {
  /** results of completions are read */
  reads: boolean;
  /** in a loop, or for as many as there are */
  repeated: boolean;
  /** the flags of a completion are looked at, by whatever function, for more than which buffer it took */
  flags: boolean;
  /** completions go to code out of sight, which may look at anything */
  leads: boolean;
}
const known = new WeakMap<SourceFile['facts'], CompletionUse>();
export function completionUse(file: SourceFile): CompletionUse {
  let use = known.get(file.facts);
  if (use) return use;
  const calls = allRustCalls(file);
  const entry = calls.filter((c) => c.path.startsWith('io_uring::cqueue::Entry::'));
  use = {
    reads: entry.some((c) => /^(?:result|user_data)$/.test(c.call.name)),
    repeated: calls.some((c) => c.path === 'io_uring::CompletionQueue::next') || entry.some((c) => isIterated(file, c.func)),
    flags: entry.some((c) => c.call.name === 'flags' && !isForBuffer(c.func, c.call)) || calls.some((c) => /^io_uring::cqueue::(?:more|notif|sock_nonempty|buffer_more)$/.test(c.path)) || /\bCQE_F_\w+|cqueue::(?:more|notif)\b/.test(file.text),
    leads: calls.some((c) => handsOn(file, c.func, c.call)),
  };
  known.set(file.facts, use);
  return use;
}
/** `cqueue::buffer_select(cqe.flags())`, `ring.get_buf(cqe.flags())`, at once or by a variable. */
function isForBuffer(func: Func, flags: Call): boolean {
  const parent = parentOf(func, flags);
  if (parent?.expr?.kind === 'call') return takesBuffer(parent.expr);
  const s = parent?.stmt;
  if (s?.kind !== 'declare' || s.pattern || s.bound) return false;
  const uses = usesOf(func, s.local.id);
  return uses.length > 0 && uses.every((u) => u.how === 'moved' && u.call !== undefined && takesBuffer(u.call));
}
function takesBuffer(call: Call): boolean {
  return /buf|bid|select/i.test(call.name) && !call.macro;
}
function isIterated(file: SourceFile, func: Func): boolean {
  // a closure is called for each that is gone through around it
  if (func.parent && func.kind === 'lambda' && isIterated(file, func.parent)) return true;
  return rustCalls(file, func).some((c) => /^io_uring::IoUring::completion/.test(c.path) || c.path.startsWith('io_uring::CompletionQueue::')) || func.params.some((p) => /CompletionQueue/.test(p.type));
}
/** A completion as an argument of a function that the file does not have. */
function handsOn(file: SourceFile, func: Func, call: { macro?: boolean; callee: { kind: string }; name: string; args: Parameters<typeof plain>[0][] }): boolean {
  if (call.macro || file.program.defines(call.name) || /^(?:Some|Ok|drop)$/.test(call.name)) return false;
  return call.args.some((a) => plain(a).kind === 'name' && typeOf(file, plain(a), func) === 'io_uring::cqueue::Entry');
}
/** Whether a function tests the outcome of anything in `body` by name; used for early ends. */
export function mentionsIn(func: Func, area: { start: number; end: number }, name: RegExp): boolean {
  for (const e of walkFunction(func)) if (isWithin(e.span, area) && ((e.kind === 'name' && name.test(e.name)) || (e.kind === 'call' && name.test(e.name)))) return true;
  return false;
}
