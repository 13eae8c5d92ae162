/** Rust: an fsync queued behind a write of the same file without an order between them. */
import { loopsAround } from '../../idioms/rust-code';
import { behind, collect, descriptorOf, flagsOf, setter, type Queued } from '../../idioms/rust-entries';
import { handedIn, mayWait } from '../../idioms/rust-handed';
import { reapsOf } from '../../idioms/rust-uring';
import { walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type Draft, type DraftFix } from '../rule';

const WRITES = new Set(['Write', 'Writev', 'WriteFixed', 'WritevFixed', 'Fallocate', 'Ftruncate']);
const SYNCS = new Set(['Fsync', 'SyncFileRange']);

export function fsyncUnorderedInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions(/\b(?:Fsync|SyncFileRange)\b/)) {
    if (func.damaged || file.program.mentions(func, /\bO_D?SYNC\b/)) continue;
    const queued = handedIn(file, func).filter((q) => !q.through || !mayWait(file, q.through));
    for (const sync of queued) {
      const flags = SYNCS.has(sync.entry.opcode) ? flagsOf(sync.entry) : undefined;
      if (!flags || flags.has('IO_DRAIN')) continue;
      const write = queued.find((w) => WRITES.has(w.entry.opcode) && w.ring === sync.ring && descriptorOf(file, w.entry) === descriptorOf(file, sync.entry) && isUnordered(file, func, w, sync));
      if (!write) continue;
      report({
        at: placeOf(func, sync.entry.make),
        message: 'Requests are not ordered: this may run before the write that is queued above. Link the write to it with Flags::IO_LINK (a short write then cancels it), or wait for the write first.',
        related: [{ at: placeOf(func, write.entry.make), message: 'the write' }],
        fixes: linkIt(func, write, sync),
      });
    }
  }
}

function isUnordered(file: SourceFile, func: Func, write: Queued, sync: Queued): boolean {
  const flags = flagsOf(write.entry);
  if (!flags || flags.has('IO_LINK') || flags.has('IO_HARDLINK')) return false;
  const rw = setter(write.entry, 'rw_flags')?.args[0];
  const names = new Map();
  if (rw && (!collect(rw, names) || [...names.keys()].some((n) => /SYNC/.test(String(n))))) return false;
  if (write.push === sync.push) return write.index < sync.index;
  const flow = file.program.flow(func);
  const reaps = new Set(reapsOf(file, func).map((r) => r.call));
  // the next turn of a loop may have waited in ways that do not show
  if (!flow || (write.push.span.start > sync.push.span.start && loopsAround(func, write.push.span).length)) return false;
  return behind(flow, write.push, (c) => c === sync.push, (c) => reaps.has(c) || /wait|reap|complete|drain|flush/i.test(c.name) || (c !== write.push && c !== sync.push && ownWaits(file, c))) !== undefined;
}

/** A function of the file by this name waits for something. */
function ownWaits(file: SourceFile, call: Call): boolean {
  return !call.macro && file.program.functions(new RegExp(`\\bfn\\s+${call.name}\\b`)).some((f) => f.name === call.name && mayWait(file, f));
}

/** Whether the fsync is the next entry of the same batch. */
function isNext(func: Func, write: Queued, sync: Queued): boolean {
  if (write.push === sync.push) return write.index + 1 === sync.index;
  const between = (c: Expr) => c.span.start >= write.push.span.end && c.span.end <= sync.push.span.start;
  return ![...walkFunction(func)].some((e) => e.kind === 'call' && /^(?:push|push_multiple|submit\w*)$/.test(e.name) && between(e));
}
/** Behind the `build()` of the write, where the link leads to the fsync; the completion has to expect ECANCELED then. */
function linkIt(func: Func, write: Queued, sync: Queued): DraftFix[] {
  if (!isNext(func, write, sync)) return [];
  const build = write.entry.methods.find((m) => m.name === 'build');
  if (!build || write.entry.methods.some((m) => m.name === 'flags')) return [];
  return [{ title: 'Link the write to the fsync', edits: [insertion(func, build.span.end, '.flags(io_uring::squeue::Flags::IO_LINK)')], safe: false }];
}
