/** The summary of a recording, whole or of a window. */
import { opName, setupNames } from '../protocol/ops';
import type { OpSummary, PendingSummary, ThreadSummary, TraceSummary } from '../protocol/summary';
import { API_NAMES, SpanFlag } from '../protocol/wire';
import { errnoName } from './errno';
import { findInsights } from './insights';
import { maxInflight } from './inflight';
import { Stats } from './op-stats';
import type { TraceStore } from './store';
import type { StreamEnd } from './stream-reader';
import { unsigned64 } from './varint';

export class Summaries {
  /** of the whole recording; continued where it stopped */
  private readonly whole: Stats;
  private inflight: { rows: number; value: Map<number, number> } | undefined;

  constructor(private readonly store: TraceStore) {
    this.whole = new Stats(store);
  }

  /**
   * `end` says whether and how the stream ended (undefined: still growing); `window` in ns counts spans and calls that run
   * in it, and the histograms that reach into it. Threads, refusals, pending operations and the census are of the whole.
   */
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
      modes: store.modeStretches().filter(({ from, to }) => !window || (from < window.t1 && to > window.t0)),
      hooks: Object.fromEntries(store.hooks.map((h) => [h.name, h.state === 'unavailable' ? (h.why ?? h.state) : h.state])),
      apis: describeOps(stats, inflight),
      calls: stats.calls.summary(),
      processes: [...stats.processes]
        .map(([pid, counts]) => ({ pid, comm: store.names.comm(pid), ...counts }))
        .sort((a, b) => b.records - a.records || b.calls - a.calls),
      rings: this.rings(window),
      threads: this.threads(),
      refused: this.refused(),
      pending: this.pending(),
      ...(store.census ? { census: store.census } : {}),
      insights: findInsights(store, stats),
      complete,
      ...(end && !complete ? { problem: describeEnd(end) } : {}),
      ...(exit ? { target_exit: { ...exit } } : {}),
    };
  }

  private ofWhole(): Stats {
    this.whole.catchUp();
    return this.whole;
  }
  private ofWindow({ t0, t1 }: { t0: number; t1: number }): Stats {
    const stats = new Stats(this.store);
    for (const { kind, index: track } of this.store.tracks) {
      for (const row of track.indicesIn(t0, t1)) {
        if (kind === 'calls') stats.addCall(row);
        else stats.add(row);
      }
    }
    for (const histograms of this.store.histograms) if (histograms.from < t1 && histograms.t > t0) stats.addHistograms(histograms);
    return stats;
  }
  private wholeInflight(): Map<number, number> {
    const rows = this.store.spans.length + this.store.calls.length;
    if (this.inflight?.rows !== rows) this.inflight = { rows, value: maxInflight(this.store, -Infinity, Infinity) };
    return this.inflight.value;
  }

  private rings(window?: { t0: number; t1: number }): TraceSummary['rings'] {
    const named = this.store.names.allRings();
    const seen = new Set<string>();
    const rings: TraceSummary['rings'] = this.store.tracks.filter(({ kind }) => kind === 'ops').map(({ api, ring, pid, index }) => {
      const info = named.find((r) => r.ring === ring && r.api === api);
      seen.add(`${api} ${ring}`);
      return {
        ring, api, pid, fd: info?.fd ?? -1, sq: info?.sq ?? 0, cq: info?.cq ?? 0, flags: info?.flags ?? 0, setup: setupNames(api === 'io_uring' ? info?.flags ?? 0 : 0),
        records: window ? index.countIn(window.t0, window.t1) : index.count,
      };
    });
    for (const r of named) {
      if (!seen.has(`${r.api} ${r.ring}`)) rings.push({ ring: r.ring, api: r.api, pid: r.pid, fd: r.fd, sq: r.sq, cq: r.cq, flags: r.flags, setup: setupNames(r.api === 'io_uring' ? r.flags : 0), records: 0 });
    }
    return rings;
  }

  private threads(): ThreadSummary[] {
    const { sqpoll } = this.ofWhole();
    return [...this.store.threads.values()]
      .map(({ pid, tid, role, cpu_ns, wall_ns }) => ({
        pid, tid, role, comm: this.store.names.thread(tid) || this.store.names.comm(pid), cpu_ns, wall_ns,
        idle_ns: Math.max(0, wall_ns - cpu_ns), submitted: sqpoll.get(tid) ?? 0,
      }))
      .sort((a, b) => b.cpu_ns - a.cpu_ns);
  }

  private refused(): TraceSummary['refused'] {
    const found = new Map<string, TraceSummary['refused'][number]>();
    for (const { pid, comm, call, errno, cause, seccomp, disabled, container } of this.store.refused) {
      const key = `${pid} ${call} ${errno} ${cause}`;
      const known = found.get(key);
      if (known) known.count++;
      else found.set(key, { pid, comm, call, error: errnoName(-errno), cause, seccomp, disabled, container, count: 1 });
    }
    return [...found.values()];
  }

  private pending(): PendingSummary[] {
    const { names, pending, end } = this.store;
    return pending.suspects(end).map(({ op, age }) => {
      const api = API_NAMES[op.api]!;
      return {
        api, op: opName(api, op.op), pid: op.pid, comm: names.comm(op.pid), tid: op.tid, ring: op.ring, fd: op.fd,
        path: op.flags & SpanFlag.FixedFile ? '' : (names.file(op.pid, op.fd, op.start)?.path ?? ''),
        user_data: `0x${unsigned64(op.userLo, op.userHi).toString(16)}`, start_ns: op.start, age_ns: age,
        cancelled: op.state === 'cancelled',
      };
    });
  }
}

function describeOps(stats: Stats, inflight: Map<number, number>): OpSummary[] {
  return [...stats.ops.entries()]
    .map(([key, s]): OpSummary => ({
      api: s.api, op: s.name, count: s.count, errors: s.errors, bytes: s.bytes,
      p50_ns: s.latency.percentile(0.5), p90_ns: s.latency.percentile(0.9), p99_ns: s.latency.percentile(0.99), max_ns: s.latency.max,
      punted: s.punted, inflight_max: inflight.get(key) ?? 0, ways: { ...s.ways },
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
