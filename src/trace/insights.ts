/** Findings about a recording, each with its evidence. Only what the recording proves. */
import { callName } from '../protocol/ops';
import type { Insight } from '../protocol/summary';
import { InstantKind } from '../protocol/wire';
import { formatCount, formatDuration, plural } from '../protocol/units';
import { errnoName } from './errno';
import { blockedSubmits, blockingSubmits } from './insights-submit';
import { idlePollers, modeChanges, pendingOperations, refusals, singleWakeups } from './insights-system';
import type { OpStats, Stats } from './op-stats';
import type { TraceStore } from './store';
import { MAX_ALIKE, who } from './who';

export function findInsights(store: TraceStore, stats: Stats): Insight[] {
  return [
    ...losses(store),
    ...refusals(store),
    ...pendingOperations(store),
    ...blockingSubmits(store, stats),
    ...blockedSubmits(store, stats),
    ...misaligned(store, stats),
    ...overflows(store, stats),
    ...punts(stats),
    ...idlePollers(store, stats),
    ...shortWrites(store, stats),
    ...failedLinks(store),
    ...singleWakeups(store, stats),
    ...failures(stats),
    ...unfinished(stats),
    ...modeChanges(store),
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

function misaligned(store: TraceStore, stats: Stats): Insight[] {
  return [...stats.misaligned.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_ALIKE)
    .map((f): Insight => {
      const unit = f.block || 512;
      const name = f.block ? `the device's block size, ${f.block}` : '512';
      return {
        id: 'direct-einval', severity: 'warning',
        message: f.proven > 0
          ? `O_DIRECT operations on ${f.path} fail with EINVAL: offset or length is not a multiple of ${f.block ? name : 'the block size'}.`
          : `O_DIRECT operations on ${f.path} fail with EINVAL though offset and length are multiples of ${name}: the buffer's address${f.block ? '' : `, or a block size larger than ${unit},`} is the likely cause.`,
        evidence: `${plural(f.count, 'operation')} of ${who(store, f.pid)}${f.proven > 0 ? `, for example ${f.example}` : ''}.`,
        ...(f.proven > 0 ? { rule: 'direct-length-unaligned' } : {}),
      };
    });
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
      id: 'unexpected-punt', severity: op.puntedUnexpectedly >= 0.5 * op.ways.spans ? 'warning' : 'information',
      message: `${op.name} was handed to worker threads: it would have blocked the submitter.`,
      evidence: `${formatCount(op.puntedUnexpectedly)} of ${plural(op.ways.spans, 'operation')}; half of them took ${formatDuration(op.puntedLatency.percentile(0.5))} or more, against ${formatDuration(op.latency.percentile(0.5))} over all.`,
    }));
}

/** A write that moved less than asked for; only where the kernel or a result says so. */
function shortWrites(store: TraceStore, stats: Stats): Insight[] {
  const clipped = store.countInstants(InstantKind.ShortWrite);
  const ops = [...stats.ops.values()].filter((op) => op.short > 0 && /^P?WRITE/.test(op.name));
  const count = Math.max(clipped, ops.reduce((n, op) => n + op.short, 0));
  if (count === 0) return [];
  return [{
    id: 'short-write', severity: 'information',
    message: 'Writes moved less than asked for: what is left has to be written by another request.',
    evidence: `${plural(count, 'write')}${ops.length > 0 ? `: ${ops.map((op) => `${op.api} ${op.name} ${formatCount(op.short)}`).join(', ')}` : ''}.`,
    ...(ops.every((op) => op.api === 'io_uring') ? { rule: 'uring-short-transfer-ignored' } : {}),
  }];
}

function failedLinks(store: TraceStore): Insight[] {
  const count = store.countInstants(InstantKind.LinkFailed);
  if (count === 0) return [];
  return [{
    id: 'link-failed', severity: 'information',
    message: 'Linked requests were cancelled, because one before them in their chain failed or moved less than asked for.',
    evidence: `${plural(count, 'request')}.`,
  }];
}

const NOTHING_YET = new Set([4, 11]);

function failures(stats: Stats): Insight[] {
  return [...stats.ops.values()].flatMap((op): Insight[] => {
    const isCall = op.api === 'epoll' || op.api === 'sync';
    // a descriptor that is not ready, and a signal, are the ordinary course of a loop
    const counted = [...op.byErrno].filter(([errno]) => !isCall || !NOTHING_YET.has(errno)).sort((a, b) => b[1] - a[1]);
    if (counted.length === 0 && (isCall || op.errors === 0)) return [];
    const errors = isCall ? counted.reduce((n, [, count]) => n + count, 0) : op.errors;
    const sampled = op.failed < op.errors ? ', among those recorded' : '';
    return [{
      id: 'failed-operations', severity: 'information',
      message: `${formatCount(errors)} of ${formatCount(op.count)} ${nameOf(op)} returned an error.`,
      evidence: counted.length > 0 ? `${counted.slice(0, 8).map(([errno, n]) => `${errnoName(-errno)} ${formatCount(n)}`).join(', ')}${sampled}` : 'None of them has a span.',
    }];
  });
}

function nameOf({ api, op, name }: OpStats): string {
  return api === 'epoll' || api === 'sync' ? callName(op) : name;
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
