import { flagState, originsOf } from '../../idioms/fd-origin';
import { before, isLinked, ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { DRAIN, mayBeSameRing, mayReach, share, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { integers } from '../../flow/value';
import type { Expr } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';
import { linkIt } from './uring-link-timeout-misuse';
import { fsyncUnorderedInRust } from './uring-fsync-unordered.rust';

/** Preparations that change a file. */
const WRITES = new Set(['write', 'writev', 'writev2', 'write_fixed', 'writev_fixed', 'fallocate', 'ftruncate', 'splice']);
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
    if (!file.program.mentions(func, /sync|io_uring_/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const sync of flow.of('prep')) {
      if (sync.byHand || !sync.call || !SYNCS.has(sync.op ?? '') || mayDrain(flow, sync)) continue;
      const write = flow.of('prep').find((w) => isUnordered(file, flow, w, sync));
      if (!write) continue;
      report({
        at: placeOf(func, sync),
        message: 'Requests are not ordered: this may run before the write that is queued above. Link the write to it with IOSQE_IO_LINK (a short write then cancels it), or wait for the write first.',
        related: [{ at: placeOf(func, write), message: 'the write' }],
        // a link ties to the next request of the batch, whatever that is
        fixes: before(flow, sync).every((p) => p === write) && before(flow, sync).length > 0 ? linkIt(file, flow, write, false) : [],
      });
    }
  },
};

function mayDrain(flow: SqeFlow, sync: Prep): boolean {
  const own = flow.events.some((e) => 'sqes' in e && share(e.sqes, sync.sqes)
    && (e.kind === 'escape' || e.kind === 'overwrite' || (e.kind === 'flags' && (e.bits === undefined || e.bits.some((b) => (b & DRAIN) !== 0n)))));
  return own || (sync.inner !== undefined && mayDrain(sync.inner.flow, sync.inner.prep));
}

/** A write on the same descriptor from which a way leads here with nothing waited for, and that is not linked. */
function isUnordered(file: View, flow: SqeFlow, write: Prep, sync: Prep): boolean {
  if (!WRITES.has(write.op ?? '') || write.byHand || !sameDescriptor(file, flow, write, sync)) return false;
  const rings = ringsOf(flow, sync.sqes);
  if (!mayBeSameRing(ringsOf(flow, write.sqes), rings) || isLinked(flow, write) !== 'no' || writesThrough(file, flow, write)) return false;
  return flow.reaches(write, (e) => e === sync, (e) => e.kind === 'reap' || (e.kind === 'unseen' && mayReach(e, rings)), { ahead: true });
}
function sameDescriptor(file: View, { flow }: SqeFlow, write: Prep, sync: Prep): boolean {
  const [a, b] = [write.args[write.shape?.fd ?? 0], sync.args[1]];
  if (write.fds.length !== 1 || sync.fds.length !== 1 || write.fds[0] !== sync.fds[0]) return false;
  const text = (e: Expr) => file.source(placeOf(flow.func, e)).replace(/\s/g, '');
  if (a && b) return text(a) === text(b);
  // elements of an array are not told apart
  return /\.\w+$|^=[^*]+$/.test(write.fds[0]!);
}
/** Durable by itself: RWF_DSYNC, or a file opened with O_DSYNC. */
function writesThrough(file: View, flow: SqeFlow, write: Prep): boolean {
  if (write.inner) return writesThrough(file, write.inner.flow, write.inner.prep);
  if (flow.of('field').some((f) => f.field === 'rw_flags' && share(f.sqes, write.sqes))) return true;
  const flags = write.shape?.flags === undefined ? undefined : write.call?.args[write.shape.flags];
  if (flags && write.op !== 'splice' && !integers(flow.flow.value(flags, write.memory))?.every((v) => (v & RWF_SYNCS) === 0n)) return true;
  const fd = write.args[write.shape?.fd ?? 0];
  return fd !== undefined && originsOf(file, flow.flow, fd, write.memory)?.some((o) => flagState(o, O_DSYNC) === 'on') === true;
}
