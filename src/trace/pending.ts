/** Operations that were reported as in flight for long. Each is open until a span of its own tells how it ended. */
import { isCancelled } from '../protocol/ops';
import type { SpanTile } from '../protocol/page';
import { SpanFlag } from '../protocol/wire';
import { FIRST_PENDING, MAX_PENDING } from './handles';
import type { WireSpan } from './rows';
import { spanTile } from './track-index';

export interface PendingOp extends WireSpan {
  track: number;
  /**
   * open: no span yet; unfinished: its span says that it was in flight when the recording ended; cancelled: it was given up,
   * by its program or because that went away; over: it ended by itself
   */
  state: 'open' | 'unfinished' | 'cancelled' | 'over';
  /** once it has a span: ns from its start to its end */
  took: number;
}

export class PendingOps {
  readonly firstHandle = FIRST_PENDING;
  readonly all: PendingOp[] = [];
  /** how many have no span of their own */
  openCount = 0;
  /** by start: few operations ever wait here, and each span asks */
  private readonly open = new Map<number, PendingOp[]>();

  /** Its row; -1 where it was reported before, or there are too many. */
  add(span: WireSpan, track: number): number {
    const same = this.open.get(span.start);
    if (this.all.length >= MAX_PENDING || same?.some((op) => isSame(op, span))) return -1;
    const op: PendingOp = { ...span, track, state: 'open', took: 0 };
    if (same) same.push(op);
    else this.open.set(span.start, [op]);
    this.openCount++;
    return this.all.push(op) - 1;
  }

  /** Whether the span is the end of one of these. */
  ended(span: WireSpan): void {
    if (this.openCount === 0) return;
    const same = this.open.get(span.start);
    const at = same?.findIndex((op) => isSame(op, span)) ?? -1;
    if (!same || at < 0) return;
    same[at]!.state = span.flags & SpanFlag.Unfinished ? 'unfinished' : isCancelled(span.result) ? 'cancelled' : 'over';
    same[at]!.took = span.duration;
    this.openCount--;
    if (same.length === 1) this.open.delete(span.start);
    else same.splice(at, 1);
  }

  /** Those of the tracks that lie in [t0, t1), open-ended: drawn until `end`, which is how far is recorded. */
  tiles(tracks: number[], t0: number, t1: number, end: number): SpanTile[] {
    if (end <= t0) return [];
    const byTrack = new Map<number, number[]>();
    for (const row of this.openRows()) {
      const { track, start } = this.all[row]!;
      if (start >= t1 || !tracks.includes(track)) continue;
      const rows = byTrack.get(track);
      if (rows) rows.push(row);
      else byTrack.set(track, [row]);
    }
    const of = (row: number): PendingOp => this.all[row]!;
    return [...byTrack].map(([track, rows]) => spanTile(track, {
      firstHandle: FIRST_PENDING, start: (row) => of(row).start, duration: (row) => Math.max(0, end - of(row).start), end: () => end,
      slot: (row) => of(row).slot, op: (row) => of(row).op, flags: (row) => of(row).flags | SpanFlag.Unfinished, failed: () => false, parted: (row) => of(row).parted,
    }, Uint32Array.from(rows.sort((a, b) => of(a).start - of(b).start))));
  }

  /** What did not end by itself, the oldest first, each with how long it was in flight until `end` of the recording or until it was given up. */
  suspects(end: number): { op: PendingOp; age: number }[] {
    return this.all.filter((op) => op.state !== 'over')
      .map((op) => ({ op, age: op.state === 'cancelled' ? op.took : Math.max(0, end - op.start) }))
      .sort((a, b) => b.age - a.age);
  }

  /** Rows without a span of their own. */
  openRows(): number[] {
    return this.openCount === 0 ? [] : [...this.all.keys()].filter((row) => this.all[row]!.state === 'open');
  }
}

function isSame(a: WireSpan, b: WireSpan): boolean {
  return a.start === b.start && a.ring === b.ring && a.slot === b.slot && a.pid === b.pid && a.op === b.op && a.api === b.api;
}
