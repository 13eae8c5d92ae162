/** Findings about what surrounds the operations: refusals, hangs, pollers, wake-ups, how it was recorded. */
import { opClass, opName } from '../protocol/ops';
import type { Insight } from '../protocol/summary';
import { API_NAMES, type RefusedInfo } from '../protocol/wire';
import { formatCount, formatDuration, plural } from '../protocol/units';
import { errnoName } from './errno';
import type { Stats } from './op-stats';
import type { PendingOp } from './pending';
import type { TraceStore } from './store';
import { MAX_ALIKE, who } from './who';

const CALLS_OF: Record<string, string> = {
  io_uring_setup: 'io_uring_setup, io_uring_enter and io_uring_register', io_setup: 'io_setup, io_submit, io_getevents and io_destroy',
};
const TO_DO: Record<Exclude<RefusedInfo['cause'], 'seccomp'>, string> = {
  disabled: 'The setting kernel.io_uring_disabled refused it: set it to 0, or to 1 with the program in the group kernel.io_uring_group.',
  missing: 'This kernel does not have it: use another API here, or a kernel that is built with it.',
  policy: 'A security module refused it, or a capability is missing: the audit log says which.',
  arguments: 'The caller asked for what this kernel does not know or cannot combine.',
  unknown: 'Why is not known.',
};

function toDo({ cause, call }: RefusedInfo): string {
  if (cause !== 'seccomp') return TO_DO[cause];
  return `A seccomp filter refused it, as those of container runtimes do unless told otherwise: allow ${CALLS_OF[call] ?? call} in its profile, or use another API there.`;
}

/** A program that asked and was refused runs on something else now, or not at all. */
export function refusals(store: TraceStore): Insight[] {
  const first = new Map<string, { info: RefusedInfo; count: number }>();
  for (const info of store.refused) {
    const key = `${info.comm} ${info.call} ${info.errno} ${info.cause}`;
    const known = first.get(key);
    if (known) known.count++;
    else first.set(key, { info, count: 1 });
  }
  return [...first.values()].slice(0, MAX_ALIKE).map(({ info, count }): Insight => {
    const facts = [
      info.seccomp > 0 ? `seccomp mode ${info.seccomp}` : info.seccomp === 0 ? 'no seccomp filter' : '',
      info.disabled >= 0 ? `kernel.io_uring_disabled ${info.disabled}` : '', info.container ? 'in a container' : '',
    ].filter(Boolean).join(', ');
    return {
      // some ask for what is new first, and for less then
      id: 'refused', severity: info.cause === 'arguments' ? 'information' : 'warning',
      message: `${info.call} was refused to ${info.comm || 'a process'}. ${toDo(info)}`,
      evidence: `${errnoName(-info.errno) || `errno ${info.errno}`}${count > 1 ? `, ${formatCount(count)} times` : ''}, process ${info.pid}${facts ? `; ${facts}` : ''}.`,
      ...(info.cause === 'arguments' && info.call === 'io_uring_setup' ? { rule: 'uring-setup-params-invalid' } : {}),
    };
  });
}

/** What waits for others by its nature is a note; a read or a write of a file that does not end is a hang. */
export function pendingOperations(store: TraceStore): Insight[] {
  const suspects = store.pending.suspects(store.end);
  const stuck = suspects.filter(({ op }) => !waitsForOthers(store, op));
  const waiting = suspects.filter(({ op }) => waitsForOthers(store, op));
  const insights = stuck.slice(0, MAX_ALIKE).map(({ op, age }): Insight => ({
    id: 'pending', severity: 'warning',
    message: `${describe(store, op)} ${op.state === 'cancelled' ? 'did not end by itself: it was cancelled after' : 'does not end: it has been in flight for'} ${formatDuration(age)}.`,
    evidence: `Submitted by ${who(store, op.pid)} at ${formatDuration(op.start)}, thread ${op.tid}, ring ${op.ring}.${stuck.length > MAX_ALIKE ? ` ${plural(stuck.length, 'operation')} in all.` : ''}`,
  }));
  if (waiting.length > 0) {
    insights.push({
      id: 'pending-waits', severity: 'information',
      message: `${plural(waiting.length, 'operation')} waited long for somebody else, and in vain as far as recorded.`,
      evidence: waiting.slice(0, MAX_ALIKE).map(({ op, age }) => `${describe(store, op)} for ${formatDuration(age)}${op.state === 'cancelled' ? ', then cancelled' : ''}`).join('; '),
    });
  }
  return insights;
}

function waitsForOthers(store: TraceStore, op: PendingOp): boolean {
  const api = API_NAMES[op.api]!;
  const kind = opClass(api, op.op);
  if (kind === 'wait') return true;
  if (kind === 'other') return false;
  // sockets, pipes and terminals; a name that is not known may be one
  return !/^\/(?!dev\/(?:tty|pts|ptmx|input|net|fuse|kvm))/.test(store.names.file(op.pid, op.fd, op.start)?.path ?? '');
}

function describe(store: TraceStore, op: PendingOp): string {
  const path = store.names.file(op.pid, op.fd, op.start)?.path;
  return `${opName(API_NAMES[op.api]!, op.op)}${op.fd < 0 ? '' : path ? ` on ${path}` : ` on fd ${op.fd}`}`;
}

/** Enough to mean something; on a busy machine one that spins gets a share of a CPU only. */
const POLLER_MIN_CPU_NS = 0.5e9;
const POLLER_SHARE = 0.2;
/** Submissions for each second of CPU below which the thread mostly spins. */
const POLLER_RATE = 1000;

export function idlePollers(store: TraceStore, stats: Stats): Insight[] {
  // who was not recorded may have submitted
  if (store.lost.kernel + store.lost.stream > 0 || store.modeStretches().some((stretch) => stretch.mode !== 'spans')) return [];
  return [...store.threads.values()]
    .filter((t) => t.role === 'sqpoll' && t.cpu_ns >= POLLER_MIN_CPU_NS && t.cpu_ns >= POLLER_SHARE * t.wall_ns)
    .map((t) => ({ ...t, submitted: stats.sqpoll.get(t.tid) ?? 0 }))
    .filter((t) => t.submitted < POLLER_RATE * (t.cpu_ns / 1e9))
    .slice(0, MAX_ALIKE)
    .map((t): Insight => ({
      id: 'sqpoll-idle', severity: 'warning',
      message: 'A submission queue thread (SQPOLL) spins without work: a shorter sq_thread_idle lets it sleep, and without IORING_SETUP_SQPOLL there is none.',
      evidence: `Thread ${t.tid} of ${who(store, t.pid)} used ${formatDuration(t.cpu_ns)} of CPU in ${formatDuration(t.wall_ns)} (${Math.round((100 * t.cpu_ns) / t.wall_ns)} %) for ${plural(t.submitted, 'submission')}.`,
      rule: 'uring-sqpoll-requirements',
    }));
}

const WAKEUPS_MIN = 1000;
const WAKEUPS_SHARE = 0.9;
const WAKEUPS_PER_SECOND = 1000;

export function singleWakeups(store: TraceStore, stats: Stats): Insight[] {
  return [...stats.calls.wakeups.values()]
    .filter((w) => w.returned >= WAKEUPS_MIN && w.single >= WAKEUPS_SHARE * w.returned && w.returned >= WAKEUPS_PER_SECOND * ((w.to - w.from) / 1e9))
    .sort((a, b) => b.returned - a.returned)
    .slice(0, MAX_ALIKE)
    .map((w): Insight => ({
      id: 'single-wakeups', severity: 'information',
      message: 'epoll wakes a thread for one event at a time: each costs a system call of its own, beside the one that reads.',
      evidence: `${formatCount(w.single)} of ${plural(w.returned, 'wake-up')} of thread ${w.tid} of ${who(store, w.pid)} delivered a single event, ${formatCount(w.returned / ((w.to - w.from) / 1e9))} a second.`,
    }));
}

/** The loader stepped down by itself. What was asked for from the beginning is no news. */
export function modeChanges(store: TraceStore): Insight[] {
  const stretches = store.modeStretches();
  if (stretches.length < 2) return [];
  const reduced = stretches.filter((s) => s.mode !== 'spans');
  const total = reduced.reduce((n, s) => n + s.to - s.from, 0);
  const worst = Math.max(1, ...reduced.map((s) => s.every));
  const none = reduced.filter((s) => s.mode === 'aggregate').reduce((n, s) => n + s.to - s.from, 0);
  return [{
    id: 'stepped-down', severity: 'information',
    message: 'Not every operation has a span: there were more than could be carried, so the rest is in histograms. Counts and bytes are exact, percentiles within 7 %.',
    evidence: `${formatDuration(total)} of ${formatDuration(store.end)}${worst > 1 ? `, down to one span in ${worst}` : ''}${none > 0 ? `, ${formatDuration(none)} without any` : ''}.`,
  }];
}
