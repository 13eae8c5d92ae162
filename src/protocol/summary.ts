/**
 * The summary of a recording: `ringlight trace|report --format json`, and the page's table. Members are in words in
 * docs/summary.md, and a test compares the two.
 */
import type { ModeStretch } from './page';
import type { ApiName, CallName, Census, LostCounts, RefusedInfo, TraceMode } from './wire';

export interface TraceSummary {
  version: 1;
  duration_ns: number;
  /** op spans recorded */
  records: number;
  lost: LostCounts;
  /** at the end */
  mode: TraceMode;
  /** stretch by stretch, without gaps, those that reach into a window; times in ns */
  modes: ModeStretch[];
  /** hook name to 'attached' or the reason why not */
  hooks: Record<string, string>;
  apis: OpSummary[];
  /** system calls recorded, of all APIs */
  calls: CallSummary[];
  processes: { pid: number; comm: string; /** spans */ records: number; calls: number }[];
  rings: { ring: number; api: ApiName; pid: number; fd: number; sq: number; cq: number; flags: number; /** names of the flags, like `SQPOLL` */ setup: string[]; records: number }[];
  /** the kernel's threads that work for rings, over the whole recording */
  threads: ThreadSummary[];
  /** ways to asynchronous I/O that were asked for and refused */
  refused: (Pick<RefusedInfo, 'pid' | 'comm' | 'call' | 'cause' | 'seccomp' | 'disabled' | 'container'> & { /** `EPERM` and the like */ error: string; count: number })[];
  /** operations that were in flight for long and did not end */
  pending: PendingSummary[];
  /** who uses what on the whole machine, as told last; absent where it was not counted */
  census?: Census;
  insights: Insight[];
  /** false when the recording was cut off; `problem` then says where and why */
  complete: boolean;
  problem?: string;
  target_exit?: { code?: number; signal?: number };
}
/** Where not every operation had a span, the counts, bytes and latencies are those of the loader's histograms (percentiles within 7 %). */
export interface OpSummary {
  api: ApiName;
  /** the kernel's name without its prefix; of epoll and sync the system call's */
  op: string;
  count: number;
  errors: number;
  bytes: number;
  p50_ns: number;
  p90_ns: number;
  p99_ns: number;
  max_ns: number;
  punted: number;
  inflight_max: number;
  ways: OpWays;
}
/** How many of the recorded spans went which way. */
export interface OpWays {
  /** spans these numbers are about: all operations, or a sample */
  spans: number;
  /** io_uring: neither handed to a worker nor made to wait for readiness */
  inline: number;
  polled: number;
  punted: number;
  /** of these, asked for or always so for the operation */
  punted_expected: number;
  linked: number;
  /** completions of requests that went on */
  multishot: number;
  /** ended by -ECANCELED */
  cancelled: number;
  /** ended by -ETIME, but for a TIMEOUT, which is meant to */
  timed_out: number;
  fixed_file: number;
  fixed_buffer: number;
  /** second completions of zero-copy sends; not among the operations */
  notifications: number;
  sqpoll: number;
  /** signalled an eventfd */
  signals: number;
  /** on a file open with O_DIRECT */
  o_direct: number;
}
export interface CallSummary {
  api: ApiName;
  call: CallName | string;
  count: number;
  /** returned -errno */
  errors: number;
  total_ns: number;
  /** of the total: off the CPU */
  asleep_ns: number;
  /** of that: in uninterruptible sleep */
  blocked_ns: number;
  p50_ns: number;
  p99_ns: number;
  max_ns: number;
}
export interface ThreadSummary {
  pid: number;
  tid: number;
  role: 'sqpoll' | 'worker';
  comm: string;
  cpu_ns: number;
  /** how long it was watched, and how much of that it was off the CPU */
  wall_ns: number;
  idle_ns: number;
  /** recorded spans that it submitted (sqpoll) */
  submitted: number;
}
export interface PendingSummary {
  api: ApiName;
  op: string;
  pid: number;
  comm: string;
  tid: number;
  ring: number;
  fd: number;
  path: string;
  user_data: string;
  start_ns: number;
  /** at the end of the recording, or when it was cancelled */
  age_ns: number;
  cancelled: boolean;
}
export interface Insight {
  id: string;
  severity: 'warning' | 'information';
  message: string;
  evidence: string;
  /** rule id whose finding this confirms */
  rule?: string;
  source?: { path: string; line: number };
}
