/** What is asked of the tracer, by the extension and the command line alike. */
import type { ApiName } from './wire';

/** What the loader records; a recording's format knows more of {@link ApiName}. */
export const TRACED_APIS = ['io_uring', 'libaio'] as const satisfies readonly ApiName[];

export interface TraceRequest {
  /** a host of the user's ssh configuration; absent: this machine */
  host?: string;
  target:
    | { kind: 'command'; argv: string[]; /** absolute, on the target */ cwd?: string; env?: Record<string, string> }
    | { kind: 'pid'; pid: number }
    | { kind: 'all' };
  durationSeconds?: number;
  /** default: io_uring and libaio */
  apis?: ApiName[];
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
