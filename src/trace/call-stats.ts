/** What is counted of each system call, fed call by call. */
import { callName } from '../protocol/ops';
import type { CallSummary } from '../protocol/summary';
import { API_NAMES, Call } from '../protocol/wire';
import { Histogram } from './histogram';
import type { TraceStore } from './store';

interface Counts { api: number; call: number; count: number; errors: number; total: number; asleep: number; blocked: number; latency: Histogram }

/** Submissions of one process that did not return before somebody else was done. */
export interface BlockedSubmits {
  pid: number;
  calls: number;
  /** of these, in uninterruptible sleep for a while */
  blocked: number;
  total_ns: number;
  blocked_ns: number;
  longest_ns: number;
  /** rows of the calls that were blocked longest, at most {@link KEPT} */
  rows: number[];
}
/** Waits of one thread for readiness. */
export interface Wakeups { pid: number; tid: number; returned: number; /** of these, with one event */ single: number; asleep_ns: number; from: number; to: number }

/** Enough to name the files. */
const KEPT = 64;

export class CallStats {
  private readonly byCall = new Map<number, Counts>();
  /** by pid */
  readonly submits = new Map<number, BlockedSubmits>();
  /** by tid */
  readonly wakeups = new Map<number, Wakeups>();

  constructor(private readonly store: TraceStore) {}

  add(row: number): void {
    const { calls } = this.store;
    const counts = this.of(calls.api(row), calls.op(row));
    const duration = calls.duration(row);
    counts.count++;
    if (calls.result(row) < 0) counts.errors++;
    counts.total += duration;
    counts.asleep += calls.asleep(row);
    counts.blocked += calls.blocked(row);
    counts.latency.add(duration);
    switch (calls.op(row)) {
      case Call.io_submit: return this.addSubmit(row);
      case Call.epoll_wait: case Call.epoll_pwait: case Call.epoll_pwait2: return this.addWakeup(row);
    }
  }

  private addSubmit(row: number): void {
    const { calls, tracks } = this.store;
    const { pid } = tracks[calls.track(row)]!;
    let entry = this.submits.get(pid);
    if (!entry) this.submits.set(pid, (entry = { pid, calls: 0, blocked: 0, total_ns: 0, blocked_ns: 0, longest_ns: 0, rows: [] }));
    const blocked = calls.blocked(row);
    entry.calls++;
    entry.total_ns += calls.duration(row);
    if (blocked <= 0) return;
    entry.blocked++;
    entry.blocked_ns += blocked;
    entry.longest_ns = Math.max(entry.longest_ns, blocked);
    entry.rows.push(row);
    if (entry.rows.length > KEPT) entry.rows.sort((a, b) => calls.blocked(b) - calls.blocked(a)).length = KEPT;
  }

  private addWakeup(row: number): void {
    const { calls, tracks } = this.store;
    const { pid, tid } = tracks[calls.track(row)]!;
    const result = calls.result(row);
    if (result <= 0) return;
    let entry = this.wakeups.get(tid);
    if (!entry) this.wakeups.set(tid, (entry = { pid, tid, returned: 0, single: 0, asleep_ns: 0, from: calls.start(row), to: 0 }));
    entry.returned++;
    // a loop that asks for one event at a time gets no more
    if (result === 1) entry.single++;
    entry.asleep_ns += calls.asleep(row);
    entry.from = Math.min(entry.from, calls.start(row));
    entry.to = Math.max(entry.to, calls.end(row));
  }

  private of(api: number, call: number): Counts {
    const key = api * 256 + call;
    let counts = this.byCall.get(key);
    if (!counts) this.byCall.set(key, (counts = { api, call, count: 0, errors: 0, total: 0, asleep: 0, blocked: 0, latency: new Histogram() }));
    return counts;
  }

  /** By API, most time first. */
  summary(): CallSummary[] {
    return [...this.byCall.values()]
      .sort((a, b) => a.api - b.api || b.total - a.total)
      .map((c) => ({
        api: API_NAMES[c.api]!, call: callName(c.call), count: c.count, errors: c.errors, total_ns: c.total, asleep_ns: c.asleep, blocked_ns: c.blocked,
        p50_ns: c.latency.percentile(0.5), p99_ns: c.latency.percentile(0.99), max_ns: c.latency.max,
      }));
  }
}
