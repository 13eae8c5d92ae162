/** The summary of a recording, whole or of a window. */
import type { OpSummary, TraceSummary } from '../protocol/summary';
import { API_NAMES } from '../protocol/wire';
import { findInsights } from './insights';
import { maxInflight } from './inflight';
import { Stats } from './op-stats';
import type { TraceStore } from './store';
import type { StreamEnd } from './stream-reader';

export class Summaries {
  /** of the whole recording; continued where it stopped */
  private readonly whole: Stats;
  private inflight: { spans: number; value: Map<number, number> } | undefined;

  constructor(private readonly store: TraceStore) {
    this.whole = new Stats(store);
  }

  /** `end` says whether and how the stream ended (undefined: still growing); `window` in ns counts spans that run in it. */
  summary(end: StreamEnd | undefined, window?: { t0: number; t1: number }): TraceSummary {
    const { store } = this;
    const stats = window ? this.ofWindow(window) : this.ofWhole();
    const inflight = window ? maxInflight(store, window.t0, window.t1) : this.wholeInflight();
    const complete = end?.kind === 'complete';
    const exit = store.goodbye?.exit;
    return {
      version: 1,
      duration_ns: Math.max(0, window ? window.t1 - window.t0 : store.end),
      records: stats.count,
      lost: { ...store.lost },
      mode: store.mode,
      hooks: Object.fromEntries(store.hooks.map((h) => [h.name, h.state === 'unavailable' ? (h.why ?? h.state) : h.state])),
      apis: describeOps(stats, inflight),
      processes: [...stats.processes]
        .map(([pid, records]) => ({ pid, comm: store.names.comm(pid), records }))
        .sort((a, b) => b.records - a.records),
      rings: this.rings(window),
      insights: findInsights(store, stats),
      complete,
      ...(end && !complete ? { problem: describeEnd(end) } : {}),
      ...(exit ? { target_exit: { ...exit } } : {}),
    };
  }

  private ofWhole(): Stats {
    for (let index = this.whole.count; index < this.store.spans.length; index++) this.whole.add(index);
    return this.whole;
  }
  private ofWindow({ t0, t1 }: { t0: number; t1: number }): Stats {
    const stats = new Stats(this.store);
    for (const { index: track } of this.store.tracks) for (const index of track.indicesIn(t0, t1)) stats.add(index);
    return stats;
  }
  private wholeInflight(): Map<number, number> {
    const spans = this.store.spans.length;
    if (this.inflight?.spans !== spans) this.inflight = { spans, value: maxInflight(this.store, -Infinity, Infinity) };
    return this.inflight.value;
  }

  private rings(window?: { t0: number; t1: number }): TraceSummary['rings'] {
    const named = this.store.names.allRings();
    const seen = new Set<string>();
    const rings: TraceSummary['rings'] = this.store.tracks.map(({ api, ring, pid, index }) => {
      const info = named.find((r) => r.ring === ring && r.api === api);
      seen.add(`${api} ${ring}`);
      return {
        ring, api, pid, fd: info?.fd ?? -1, sq: info?.sq ?? 0, cq: info?.cq ?? 0, flags: info?.flags ?? 0,
        records: window ? index.countIn(window.t0, window.t1) : index.count,
      };
    });
    for (const r of named) {
      if (!seen.has(`${r.api} ${r.ring}`)) rings.push({ ring: r.ring, api: r.api, pid: r.pid, fd: r.fd, sq: r.sq, cq: r.cq, flags: r.flags, records: 0 });
    }
    return rings;
  }
}

function describeOps(stats: Stats, inflight: Map<number, number>): OpSummary[] {
  return [...stats.ops.entries()]
    .map(([key, s]): OpSummary => ({
      api: s.api, op: s.name, count: s.count, errors: s.errors, bytes: s.bytes,
      p50_ns: s.latency.percentile(0.5), p90_ns: s.latency.percentile(0.9), p99_ns: s.latency.percentile(0.99), max_ns: s.latency.max,
      punted: s.punted, inflight_max: inflight.get(key) ?? 0,
    }))
    .sort((a, b) => API_NAMES.indexOf(a.api) - API_NAMES.indexOf(b.api) || b.count - a.count || a.op.localeCompare(b.op));
}

/** Why a recording is not complete, one sentence. */
export function describeEnd(end: StreamEnd): string {
  switch (end.kind) {
    case 'complete': return '';
    case 'truncated': return `The recording is cut off at byte ${end.at}: ${end.message}. Everything before is shown.`;
    case 'damaged': return `The recording is damaged at byte ${end.at}: ${end.message}. Everything before is shown.`;
    case 'not-a-recording': return end.message;
  }
}
