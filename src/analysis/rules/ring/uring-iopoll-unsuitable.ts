import { ENTERING, waysOfNothing } from '../../idioms/empty-queue';
import { flagState, O_DIRECT, originsOf, type Origin } from '../../idioms/fd-origin';
import { everyRing, flagsOfRing, ringUses, setupFlag, setups, surely, type RingUse, type Setup } from '../../idioms/ring-setup';
import { ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { share, takesAnew, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { hasFlag } from '../../idioms/sqe-flags';
import { PREPS } from '../../idioms/sqe-preps';
import { SYSTEM_CONSTANTS } from '../../flow/system-constants';
import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { sameList } from '../../memo';
import type { Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';
import { iopollInRust } from './uring-iopoll-unsuitable.rust';

const FIXED_FILE = SYSTEM_CONSTANTS.get('IOSQE_FIXED_FILE')!;
/** What completes on such a ring, though not all of it by polling. */
const TAKEN = /^(?:nop(?:128)?|(?:read|write)(?:v2?)?(?:_fixed)?|files_update|provide_buffers|remove_buffers|msg_ring\w*|uring_cmd\w*|cmd_\w+)$/;
const TRANSFERS = /^(?:read|write)(?:v2?)?(?:_fixed)?$/;
/** Operations that are not in the table of arguments. */
const OTHERS = /^(?:poll_remove|poll_update|cancel\w*|async_cancel|madvise\w*|fadvise\w*|timeout_remove|futex_\w+|\w+_multishot)$/;
const STREAMS: readonly Origin['kind'][] = ['socket', 'pipe', 'eventfd', 'timerfd', 'signalfd', 'inotify', 'epoll', 'terminal', 'standard stream'];
/** These look at the mapped queue only. */
const LOOK = /^io_uring_(?:peek_batch_cqe|cq_ready|for_each_cqe)$/;
/** Calls that enter the kernel, which is where polled completions are found. */
const ENTERS = /^io_uring_(?:submit|wait|peek_cqe|get_events|enter|sqring_wait)/;

export const uringIopollUnsuitable: Rule = {
  info: {
    id: 'uring-iopoll-unsuitable', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely', refused: true,
    summary: 'A polled ring is given what it cannot poll for, or nobody enters the kernel to poll.',
  },
  why: 'A ring with IORING_SETUP_IOPOLL takes reads and writes on files opened with O_DIRECT, and little else: other operations fail with -EINVAL, buffered files and sockets with -EOPNOTSUPP. Completions are found only while the program is inside io_uring_enter().',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') iopollInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust' || func.damaged || !file.program.mentions(func, /io_uring_/)) return;
    if (!polledRings(file).length) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      const rings = ringsOf(flow, prep.sqes);
      // which of several preparations it was, the opcode that is stored last says
      if (prep.op === undefined || flow.of('prep').some((p) => p !== prep && share(p.sqes, prep.sqes) && follows(flow, prep, p))) continue;
      const known = rings.length > 0 && surely(flagsOfRing(file, prep.memory, rings), setupFlag('IOPOLL'));
      if (!known && (rings.length > 0 || !handedIn(func, prep) || !everyRing(file, 'IOPOLL'))) continue;
      const draft = refused(flow, prep, prep.op) ?? (known ? unsuitableFile(file, flow, prep, prep.op) : undefined);
      if (draft) report({ ...draft, related: [...(draft.related ?? []), ...polledBy(file)] });
    }
    for (const use of ringUses(file, func)) {
      const draft = surely(use.flags, setupFlag('IOPOLL')) ? unreaped(file, func, flow.flow, use) : undefined;
      if (draft) report({ ...draft, related: polledBy(file) });
    }
  },
};

/** The sqe is the caller's, who has it from one of the rings that the file makes. */
function handedIn(func: Func, prep: Prep): boolean {
  return !prep.inside && prep.sqes.length > 0 && prep.sqes.every((id) => func.params.some((p) => id === `=${p.id}`));
}
/** One of the two preparations of an sqe is made on top of the other, not in another branch. */
function follows(flow: SqeFlow, a: Prep, b: Prep): boolean {
  return [[a, b], [b, a]].some(([first, then]) => flow.reaches(first!, (x) => x === then, (x) => takesAnew(x, a.sqes)));
}

/** The creations of polled rings: mostly none, whatever becomes of the others. */
function polledRings(file: View): Setup[] {
  const { program } = file;
  return program.memo.derived(program, 'polled rings', () => setups(file).filter((s) => surely(s.flags, setupFlag('IOPOLL'))), sameList);
}
/** Where the only polled ring of the file is made. */
function polledBy(file: View): { at: ReturnType<typeof placeOf>; message: string }[] {
  const polled = polledRings(file);
  return polled.length === 1 ? [{ at: placeOf(polled[0]!.func, polled[0]!.at), message: 'the ring is polled' }] : [];
}

function refused(flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  if (TAKEN.test(op) || !(PREPS.has(op) || OTHERS.test(op))) return undefined;
  return {
    at: placeOf(flow.flow.func, prep),
    message: `A ring with IORING_SETUP_IOPOLL takes reads and writes only: ${op} completes with -EINVAL. Use a second, ordinary ring for it.`,
  };
}

function unsuitableFile(file: View, flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  const fd = TRANSFERS.test(op) ? prep.args[prep.shape?.fd ?? 1] : undefined;
  if (!fd || hasFlag(flow, prep, FIXED_FILE) !== 'no') return undefined;
  const { func } = flow.flow;
  const origins = originsOf(file, flow.flow, fd, prep.memory);
  if (!origins?.length) return undefined;
  const at = placeOf(func, prep.inside ? prep : fd);
  const [first] = origins;
  const related = first?.place && !first.via.length ? [{ at: first.place, message: 'opened here' }] : [];
  if (origins.every((o) => STREAMS.includes(o.kind))) return { at, related, message: `A ring with IORING_SETUP_IOPOLL polls storage: a request on a ${first!.kind} completes with -EOPNOTSUPP. Use a second, ordinary ring for it.` };
  if (!origins.every((o) => o.kind === 'memory file' || (o.kind === 'file' && flagState(o, O_DIRECT) === 'off'))) return undefined;
  return { at, related, message: 'A ring with IORING_SETUP_IOPOLL needs files opened with O_DIRECT: this one is not, and the request completes with -EOPNOTSUPP.' };
}

/** A loop that looks at the queue until something appears, and a wake-up that never comes. */
function unreaped(file: View, func: Func, flow: Flow, { call }: RingUse): Draft | undefined {
  const { program } = file;
  if (LOOK.test(call.name)) {
    const enters = (e: Event) => e.kind === 'return' || (e.kind === 'call' && (ENTERS.test(e.call.name) || !/^(?:io_uring_|u?sleep$|nanosleep$|sched_yield$|_mm_pause$|__builtin_)/.test(e.call.name)));
    return waysOfNothing(flow, call, enters).back
      ? { at: placeOf(func, call), message: `${call.name}() looks at the mapped queue only, and a ring with IORING_SETUP_IOPOLL finds completions only inside io_uring_enter(): this loop never sees one. Use io_uring_peek_cqe() or io_uring_wait_cqe().` } : undefined;
  }
  if (!/^io_uring_register_eventfd(?:_async)?$/.test(call.name) || [...ENTERING, 'io_uring_peek_cqe'].some((n) => program.names(n))) return undefined;
  return { at: placeOf(func, call), message: 'A ring with IORING_SETUP_IOPOLL finds completions only inside io_uring_enter(), which nobody here calls to wait: the eventfd is never signalled.' };
}
