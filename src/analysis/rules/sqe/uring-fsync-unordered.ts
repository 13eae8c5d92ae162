import { flagState, originsOf } from '../../idioms/fd-origin';
import { isLinked, ringsOf } from '../../idioms/sqe-chain';
import { DRAIN, mayBeSameRing, mayReach, share, sqeFlow, type Prep, type SqeFlow } from '../../idioms/sqe';
import { integers, valueId } from '../../flow/value';
import type { Expr } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';
import { linkIt } from './uring-link-timeout-misuse';
import { fsyncUnorderedInRust } from './uring-fsync-unordered.rust';

/** Preparations that change a file, and where their descriptor is. */
const WRITES: Record<string, number> = { write: 1, writev: 1, writev2: 1, write_fixed: 1, writev_fixed: 1, fallocate: 1, ftruncate: 1, splice: 3 };
const SYNCS = new Set(['fsync', 'sync_file_range']);
const RWF_SYNCS = 6n;
const O_DSYNC = 0o10000n;

export const uringFsyncUnordered: Rule = {
  info: {
    id: 'uring-fsync-unordered', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'likely',
    summary: 'An fsync is queued behind a write without being ordered after it: it may run first.',
  },
  why: 'Requests of a ring are not ordered. An fsync that runs before the write it was queued behind makes nothing durable, and a crash loses data that seemed to be safe.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') fsyncUnorderedInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (!file.program.mentions(func, /sync/) || !file.program.mentions(func, /write|splice|fallocate|truncate/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const sync of flow.of('prep')) {
      if (sync.inside || sync.byHand || !sync.call || !SYNCS.has(sync.op ?? '') || mayDrain(flow, sync)) continue;
      const write = flow.of('prep').find((w) => isUnordered(file, flow, w, sync));
      if (!write) continue;
      report({
        at: placeOf(func, sync),
        message: 'Requests are not ordered: this may run before the write that is queued above. Link the write to it with IOSQE_IO_LINK (a short write then cancels it), or wait for the write first.',
        related: [{ at: placeOf(func, write), message: 'the write' }],
        fixes: linkIt(file, func, write, false),
      });
    }
  },
};

function mayDrain(flow: SqeFlow, sync: Prep): boolean {
  return flow.events.some((e) => 'sqes' in e && share(e.sqes, sync.sqes)
    && (e.kind === 'escape' || e.kind === 'overwrite' || (e.kind === 'flags' && (e.bits === undefined || e.bits.some((b) => (b & DRAIN) !== 0n)))));
}

/** A write on the same descriptor from which a way leads here with nothing waited for, and that is not linked. */
function isUnordered(file: View, flow: SqeFlow, write: Prep, sync: Prep): boolean {
  const position = WRITES[write.op ?? ''];
  const fd = position === undefined ? undefined : write.call?.args[position];
  const synced = sync.call?.args[1];
  if (!fd || !synced || write.inside || write.byHand || !sameDescriptor(file, flow, fd, write, synced, sync)) return false;
  const rings = ringsOf(flow, sync.sqes);
  if (!mayBeSameRing(ringsOf(flow, write.sqes), rings) || isLinked(flow, write) !== 'no' || writesThrough(file, flow, write, fd)) return false;
  return flow.reaches(write, (e) => e === sync, (e) => e.kind === 'reap' || (e.kind === 'unseen' && mayReach(e, rings)), { ahead: true });
}
function sameDescriptor(file: View, { flow }: SqeFlow, a: Expr, write: Prep, b: Expr, sync: Prep): boolean {
  const text = (e: Expr) => file.source(placeOf(flow.func, e)).replace(/\s/g, '');
  return text(a) === text(b) && valueId(flow.value(a, write.memory)) === valueId(flow.value(b, sync.memory));
}
/** Durable by itself: RWF_DSYNC, or a file opened with O_DSYNC. */
function writesThrough(file: View, flow: SqeFlow, write: Prep, fd: Expr): boolean {
  if (flow.of('field').some((f) => f.field === 'rw_flags' && share(f.sqes, write.sqes))) return true;
  const flags = write.shape?.flags === undefined ? undefined : write.call?.args[write.shape.flags];
  if (flags && write.op !== 'splice' && !integers(flow.flow.value(flags, write.memory))?.every((v) => (v & RWF_SYNCS) === 0n)) return true;
  return originsOf(file, flow.flow, fd, write.memory)?.some((o) => flagState(o, O_DSYNC) === 'on') === true;
}
