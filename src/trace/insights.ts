/** Findings about a recording, each with its evidence. Only what the recording proves. */
import type { Insight } from '../protocol/summary';
import { InstantKind } from '../protocol/wire';
import { formatCount, formatDuration, plural } from '../protocol/units';
import { errnoName } from './errno';
import type { Stats } from './op-stats';
import type { TraceStore } from './store';

/** One file of a program says enough; a hundred say the same. */
const MAX_FILES = 5;

export function findInsights(store: TraceStore, stats: Stats): Insight[] {
  return [
    ...losses(store),
    ...blockingSubmits(store, stats),
    ...misaligned(store, stats),
    ...overflows(store, stats),
    ...punts(stats),
    ...failures(stats),
    ...unfinished(stats),
  ];
}

function losses(store: TraceStore): Insight[] {
  const { kernel, stream, unpaired } = store.lost;
  if (kernel + stream + unpaired === 0) return [];
  const parts = [
    kernel > 0 ? `${plural(kernel, 'record')} found the kernel's buffer full` : '',
    stream > 0 ? `${plural(stream, 'frame')} dropped because the reader was too slow` : '',
    unpaired > 0 ? `${plural(unpaired, 'completion')} without a submission` : '',
  ].filter(Boolean);
  const exact = store.totals?.apis.map((a) => `${a.api}: ${formatCount(a.completed)} completed`).join(', ');
  return [{
    id: 'records-lost', severity: 'warning',
    message: 'Records were lost: the spans shown are not all there were, and the counts of operations are lower bounds.',
    evidence: `${parts.join('; ')}.${exact ? ` Exact totals of the kernel programs: ${exact}.` : ''}`,
  }];
}

function blockingSubmits(store: TraceStore, stats: Stats): Insight[] {
  return [...stats.buffered.values()]
    .filter((f) => f.insideSubmit >= 2 && f.insideSubmit >= 0.9 * f.count)
    .sort((a, b) => b.insideSubmit - a.insideSubmit)
    .slice(0, MAX_FILES)
    .map((f): Insight => {
      const isFile = f.path.startsWith('/');
      return {
        id: 'blocking-submit', severity: 'warning',
        message: `io_submit blocks: operations on ${f.path} finish before it returns, because ${isFile ? 'the file is not open with O_DIRECT' : 'libaio is not asynchronous on it'}.`,
        evidence: `${formatCount(f.insideSubmit)} of ${plural(f.count, 'operation')} of ${who(store, f.pid)} finished inside io_submit, which took up to ${formatDuration(f.worstSubmit)}.`,
        rule: isFile ? 'aio-buffered-io' : 'aio-stream-fd',
      };
    });
}

function misaligned(store: TraceStore, stats: Stats): Insight[] {
  return [...stats.misaligned.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_FILES)
    .map((f): Insight => ({
      id: 'direct-einval', severity: 'warning',
      message: f.proven > 0
        ? `O_DIRECT operations on ${f.path} fail with EINVAL: offset or length is not a multiple of the block size.`
        : `O_DIRECT operations on ${f.path} fail with EINVAL though offset and length are multiples of 512: the buffer's address, or a block size larger than 512, is the likely cause.`,
      evidence: `${plural(f.count, 'operation')} of ${who(store, f.pid)}${f.proven > 0 ? `, for example ${f.example}` : ''}.`,
      ...(f.proven > 0 ? { rule: 'direct-length-unaligned' } : {}),
    }));
}

function overflows(store: TraceStore, stats: Stats): Insight[] {
  const spans = [...stats.ops.values()].reduce((n, op) => n + op.overflowed, 0);
  const count = Math.max(spans, store.countInstants(InstantKind.CqOverflow));
  if (count === 0) return [];
  return [{
    id: 'cq-overflow', severity: 'warning',
    message: 'The completion queue was full: completions went to the overflow list, which costs an allocation each and delays them.',
    evidence: `${plural(count, 'completion')} overflowed. Reap more often, or ask for a larger queue (IORING_SETUP_CQSIZE).`,
    rule: 'uring-cq-overflow-unhandled',
  }];
}

function punts(stats: Stats): Insight[] {
  return [...stats.ops.values()]
    .filter((op) => op.puntedUnexpectedly > 0)
    .map((op): Insight => ({
      id: 'unexpected-punt', severity: op.puntedUnexpectedly >= 0.5 * op.count ? 'warning' : 'information',
      message: `${op.name} was handed to worker threads: it would have blocked the submitter.`,
      evidence: `${formatCount(op.puntedUnexpectedly)} of ${plural(op.count, 'operation')}; half of them took ${formatDuration(op.puntedLatency.percentile(0.5))} or more, against ${formatDuration(op.latency.percentile(0.5))} over all.`,
    }));
}

function failures(stats: Stats): Insight[] {
  return [...stats.ops.values()]
    .filter((op) => op.errors > 0)
    .map((op): Insight => {
      const kinds = [...op.byErrno].sort((a, b) => b[1] - a[1]).map(([errno, n]) => `${errnoName(-errno)} ${formatCount(n)}`);
      return {
        id: 'failed-operations', severity: 'information',
        message: `${formatCount(op.errors)} of ${formatCount(op.count)} ${op.name} returned an error.`,
        evidence: kinds.slice(0, 8).join(', '),
      };
    });
}

function unfinished(stats: Stats): Insight[] {
  const ops = [...stats.ops.values()].filter((op) => op.unfinished > 0);
  if (ops.length === 0) return [];
  return [{
    id: 'unfinished', severity: 'information',
    message: 'Operations were still in flight when the recording ended.',
    evidence: ops.map((op) => `${op.name} ${formatCount(op.unfinished)}`).join(', '),
  }];
}

function who(store: TraceStore, pid: number): string {
  const comm = store.names.comm(pid);
  return comm ? `${comm} (${pid})` : `process ${pid}`;
}
