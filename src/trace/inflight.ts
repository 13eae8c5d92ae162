/** The most operations of one kind that were in flight at once, over all rings. Exact. */
import { Api } from '../protocol/wire';
import type { TraceStore } from './store';

/** By `api number * 256 + op`, of the spans, and of the calls that are operations, that run in [t0, t1). */
export function maxInflight(store: TraceStore, t0: number, t1: number): Map<number, number> {
  const runs = new Map<number, { starts: Float64Array[]; ends: Float64Array[] }>();
  for (const { kind, api, index: track } of store.tracks) {
    const rows = kind === 'calls' ? store.calls : store.spans;
    const apiOf = kind === 'calls' ? (row: number): number => store.calls.api(row) : (): number => Api[api];
    for (const [key, members] of group(track.indicesIn(t0, t1), (row) => apiOf(row) * 256 + rows.op(row))) {
      if (kind === 'calls' && key < Api.epoll * 256) continue;
      let run = runs.get(key);
      if (!run) runs.set(key, (run = { starts: [], ends: [] }));
      run.starts.push(Float64Array.from(members, (i) => rows.start(i)));
      run.ends.push(Float64Array.from(members, (i) => rows.end(i)).sort());
    }
  }
  const result = new Map<number, number>();
  for (const [key, { starts, ends }] of runs) result.set(key, sweep(mergeSorted(starts), mergeSorted(ends)));
  return result;
}

function group(rows: Uint32Array, keyOf: (row: number) => number): Map<number, Uint32Array> {
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  if (counts.size === 1) return new Map([[keyOf(rows[0]!), rows]]);
  const groups = new Map<number, Uint32Array>();
  const used = new Map<number, number>();
  for (const [key, n] of counts) groups.set(key, new Uint32Array(n));
  for (const row of rows) {
    const key = keyOf(row);
    const n = used.get(key) ?? 0;
    groups.get(key)![n] = row;
    used.set(key, n + 1);
  }
  return groups;
}

function mergeSorted(runs: Float64Array[]): Float64Array {
  while (runs.length > 1) {
    const next: Float64Array[] = [];
    for (let i = 0; i < runs.length; i += 2) next.push(i + 1 < runs.length ? merge(runs[i]!, runs[i + 1]!) : runs[i]!);
    runs = next;
  }
  return runs[0] ?? new Float64Array(0);
}

function merge(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < out.length; k++) out[k] = j >= b.length || (i < a.length && a[i]! <= b[j]!) ? a[i++]! : b[j++]!;
  return out;
}

function sweep(starts: Float64Array, ends: Float64Array): number {
  let most = 0;
  let ended = 0;
  for (let i = 0; i < starts.length; i++) {
    while (ended < ends.length && ends[ended]! <= starts[i]!) ended++;
    most = Math.max(most, i + 1 - ended);
  }
  return most;
}
