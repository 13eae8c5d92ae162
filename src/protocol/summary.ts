/** The summary of a recording: `ringlight trace|report --format json`, and the page's table. */
import type { ApiName, LostCounts, TraceMode } from './wire';

export interface TraceSummary {
  version: 1;
  duration_ns: number;
  /** op spans recorded */
  records: number;
  lost: LostCounts;
  mode: TraceMode;
  /** hook name to 'attached' or the reason why not */
  hooks: Record<string, string>;
  apis: OpSummary[];
  processes: { pid: number; comm: string; records: number }[];
  rings: { ring: number; api: ApiName; pid: number; fd: number; sq: number; cq: number; flags: number; records: number }[];
  insights: Insight[];
  /** false when the recording was cut off; `problem` then says where and why */
  complete: boolean;
  problem?: string;
  target_exit?: { code?: number; signal?: number };
}
export interface OpSummary {
  api: ApiName;
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
