/**
 * The time index of one track, of operations or of system calls. Rows arrive in the order of their ends; the index sorts them by start when it is next asked,
 * touching only the part of itself that the news overlap. All answers are exact, at any window and bin width.
 */
import type { BinTile, SpanTile } from '../protocol/page';
import { Maxima } from './maxima';
import { SortedIndex } from './sorted-index';
import type { TimeRows } from './time-rows';

/** New spans are merged in portions, so that opening a large file sorts small pieces. */
const PORTION = 1 << 16;

export class TrackIndex {
  /** spans appended, merged or not */
  count = 0;
  /** highest slot used plus 1 */
  rows = 0;
  private pending = new Uint32Array(64);
  private pendingCount = 0;
  private readonly starts: SortedIndex;
  private readonly ends: SortedIndex;
  private readonly failedStarts: SortedIndex;
  private readonly failedEnds: SortedIndex;
  private depths = new Uint16Array(0);
  private readonly maxima: Maxima;

  constructor(readonly track: number, private readonly spans: TimeRows) {
    const start = (index: number): number => spans.start(index);
    const end = (index: number): number => spans.end(index);
    this.starts = new SortedIndex(start);
    this.ends = new SortedIndex(end);
    this.failedStarts = new SortedIndex(start);
    this.failedEnds = new SortedIndex(end);
    const order = (rank: number): number => this.starts.order[rank]!;
    const starts = this.starts;
    this.maxima = new Maxima({
      get length() { return starts.length; },
      end: (rank) => spans.end(order(rank)),
      duration: (rank) => spans.duration(order(rank)),
      depth: (rank) => this.depths[rank]!,
    });
  }

  append(index: number): void {
    if (this.pendingCount === PORTION) this.merge();
    if (this.pendingCount === this.pending.length) {
      const grown = new Uint32Array(Math.min(PORTION, this.pending.length * 2));
      grown.set(this.pending);
      this.pending = grown;
    }
    this.pending[this.pendingCount++] = index;
    this.count++;
    this.rows = Math.max(this.rows, this.spans.slot(index) + 1);
  }

  /** A row is needed by something that is not in the index. */
  reserveRow(slot: number): void {
    this.rows = Math.max(this.rows, slot + 1);
  }

  private merge(): void {
    if (this.pendingCount === 0) return;
    const added = this.pending.slice(0, this.pendingCount);
    const failed = added.filter((index) => this.spans.failed(index));
    this.pendingCount = 0;
    this.ends.add(added.slice());
    this.failedEnds.add(failed.slice());
    this.failedStarts.add(failed);
    const first = this.starts.add(added);
    this.updateDepths(first);
    this.maxima.update(first);
  }

  /** Right after the start at rank i, i + 1 operations have started and those that ended by then are gone. */
  private updateDepths(first: number): void {
    const n = this.starts.length;
    if (n > this.depths.length) {
      const grown = new Uint16Array(Math.max(64, Math.ceil(n * 1.5)));
      grown.set(this.depths);
      this.depths = grown;
    }
    if (first >= n) return;
    let ended = this.ends.upper(this.spans.start(this.starts.order[first]!));
    for (let rank = first; rank < n; rank++) {
      const start = this.spans.start(this.starts.order[rank]!);
      while (ended < n && this.spans.end(this.ends.order[ended]!) <= start) ended++;
      this.depths[rank] = Math.min(0xffff, rank + 1 - ended);
    }
  }

  /** Spans that run in [t0, t1). */
  countIn(t0: number, t1: number): number {
    this.merge();
    return Math.max(0, this.starts.lower(t1) - this.ends.upper(t0));
  }
  /** Failed spans that run in [t0, t1). */
  failedIn(t0: number, t1: number): number {
    this.merge();
    return Math.max(0, this.failedStarts.lower(t1) - this.failedEnds.upper(t0));
  }

  /** Indices of the spans that run in [t0, t1), sorted by start. */
  indicesIn(t0: number, t1: number): Uint32Array {
    const found = new Uint32Array(this.countIn(t0, t1));
    let n = 0;
    const from = this.starts.lower(t0);
    const to = this.starts.lower(t1);
    this.maxima.crossing(0, from, t0, (rank) => { found[n++] = this.starts.order[rank]!; });
    for (let rank = from; rank < to; rank++) {
      const index = this.starts.order[rank]!;
      if (this.spans.end(index) > t0) found[n++] = index;
    }
    return found.subarray(0, n);
  }

  /** The same as handles. */
  handlesIn(t0: number, t1: number): Uint32Array {
    const { firstHandle } = this.spans;
    const rows = this.indicesIn(t0, t1);
    return firstHandle === 0 ? rows : rows.map((row) => row + firstHandle);
  }

  /** Indices of the spans that start in [t0, t1), sorted by start. */
  startingIn(t0: number, t1: number): Uint32Array {
    this.merge();
    return this.starts.order.subarray(this.starts.lower(t0), this.starts.lower(t1));
  }

  /** The same, of failed ones. */
  failedStartingIn(t0: number, t1: number): Uint32Array {
    this.merge();
    return this.failedStarts.order.subarray(this.failedStarts.lower(t0), this.failedStarts.lower(t1));
  }

  spanTile(t0: number, t1: number): SpanTile {
    return spanTile(this.track, this.spans, this.indicesIn(t0, t1));
  }

  /** `n` bins of `width` ns from `t0` on. */
  binTile(t0: number, width: number, n: number): BinTile {
    this.merge();
    const tile: BinTile = {
      kind: 'bins', track: this.track, t0, width, count: new Uint32Array(n), failed: new Uint32Array(n),
      longest: new Float64Array(n), depth: new Uint16Array(n),
    };
    const carry = (rank: number, from: number): void => {
      const index = this.starts.order[rank]!;
      const end = this.spans.end(index);
      const duration = this.spans.duration(index);
      for (let j = from; j < n && t0 + j * width < end; j++) if (tile.longest[j]! < duration) tile.longest[j] = duration;
    };
    const { starts, ends, maxima } = this;
    const first = new Uint32Array(n + 1);
    first[0] = starts.lower(t0);
    let ended = 0;
    let failedStarted = 0;
    let failedEnded = 0;
    for (let i = 0; i < n; i++) {
      const left = t0 + i * width;
      const from = first[i]!;
      const to = (first[i + 1] = starts.lower(left + width, from));
      ended = ends.upper(left, ended);
      maxima.range(from, to);
      tile.count[i] = to - ended;
      tile.depth[i] = Math.min(0xffff, Math.max(from - ended, maxima.deepest));
      tile.longest[i] = maxima.longest;
      if (this.failedStarts.length === 0) continue;
      failedStarted = this.failedStarts.lower(left + width, failedStarted);
      failedEnded = this.failedEnds.upper(left, failedEnded);
      tile.failed[i] = failedStarted - failedEnded;
    }
    // what runs on into later bins matters there if it is longer than their own, or goes on beyond the next one
    maxima.crossing(0, first[0], t0, (rank) => carry(rank, 0));
    for (let i = 0; i + 1 < n; i++) {
      const right = t0 + (i + 1) * width;
      if (first[i + 1]! > first[i]!) maxima.crossing(first[i]!, first[i + 1]!, right, (rank) => carry(rank, i + 1), tile.longest[i + 1], right + width);
    }
    return tile;
  }

  /** Most operations in flight at once over the whole recording. */
  deepest(): number {
    this.merge();
    this.maxima.range(0, this.starts.length);
    return this.maxima.deepest;
  }
}

/** Rows of one track as columns for the page. */
export function spanTile(track: number, rows: TimeRows, indices: Uint32Array): SpanTile {
  const n = indices.length;
  const calls = rows.asleep && rows.blocked ? n : 0;
  const tile: SpanTile = {
    kind: 'spans', track, index: new Uint32Array(n), start: new Float64Array(n), duration: new Float64Array(n),
    slot: new Uint16Array(n), op: new Uint8Array(n), flags: new Uint32Array(n), failed: new Uint8Array(n), parted: new Float32Array(n),
    asleep: new Float64Array(calls), blocked: new Float64Array(calls),
  };
  for (let i = 0; i < n; i++) {
    const row = indices[i]!;
    tile.index[i] = row + rows.firstHandle;
    tile.start[i] = rows.start(row);
    tile.duration[i] = rows.duration(row);
    tile.slot[i] = rows.slot(row);
    tile.op[i] = rows.op(row);
    tile.flags[i] = rows.flags(row);
    tile.failed[i] = rows.failed(row) ? 1 : 0;
    tile.parted[i] = rows.parted(row);
    if (calls === 0) continue;
    tile.asleep[i] = rows.asleep!(row);
    tile.blocked[i] = rows.blocked!(row);
  }
  return tile;
}
