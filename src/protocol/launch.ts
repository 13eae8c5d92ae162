/** What is asked of the tracer, by the extension and the command line alike. */
import type { ApiName, TraceMode } from './wire';

/** What is recorded unless something else is asked for. */
export const DEFAULT_APIS = ['io_uring', 'libaio'] as const satisfies readonly ApiName[];
/** auto: every operation while that can be kept up with, else less, and back by itself. */
export const REQUEST_MODES = ['auto', 'spans', 'sampled', 'aggregate'] as const satisfies readonly (TraceMode | 'auto')[];
export type RequestMode = (typeof REQUEST_MODES)[number];

export interface TraceRequest {
  /** a host of the user's ssh configuration; absent: this machine */
  host?: string;
  target:
    | { kind: 'command'; argv: string[]; /** absolute, on the target */ cwd?: string; env?: Record<string, string> }
    | { kind: 'pid'; pid: number }
    | { kind: 'all' };
  durationSeconds?: number;
  /** default: {@link DEFAULT_APIS} */
  apis?: ApiName[];
  /** default: auto */
  mode?: RequestMode;
  /** one operation in so many has a span in mode sampled, and at the first step down of auto; a whole number from 2 on */
  sample?: number;
  /** every io_uring_enter too, as a system call */
  calls?: boolean;
  /** the user stack of one submission in so many; 0 or absent: of none */
  stacks?: number;
  /** with target `all`: only processes of that name, user, control group (its folder, version 2) */
  comm?: string;
  uid?: number;
  cgroup?: string;
  /** operations that have been in flight for so many milliseconds are told; 0: never. Default: the loader's, 1000 */
  pendingMs?: number;
  /** how to get the right to trace; auto: as is, else `sudo -n`, else sudo with a password that is asked for */
  privilege?: 'auto' | 'none' | 'sudo';
}

/** A failure a person reads: what happened, and the one thing to do next. */
export interface LaunchFailure {
  code:
    | 'bad-host' | 'ssh-missing' | 'ssh-failed' | 'host-key' | 'auth' | 'unreachable'
    | 'unsupported-machine' | 'no-loader' | 'upload-failed' | 'checksum' | 'no-privilege' | 'no-btf'
    | 'cannot-trace' | 'bad-target' | 'target-gone' | 'cancelled' | 'connection-lost' | 'loader-died' | 'bad-stream';
  message: string;
  /** what to do next, one sentence */
  hint: string;
  /** the program's own words (stderr), redacted of secrets */
  detail?: string;
}

export interface DoctorCheck {
  id: string;
  state: 'ok' | 'warning' | 'missing';
  title: string;
  detail: string;
  /** the one thing to do about it; absent when ok */
  remedy?: string;
}
export interface DoctorReport {
  version: 1;
  host: string;
  kernel: string;
  machine: string;
  canTrace: boolean;
  checks: DoctorCheck[];
}
