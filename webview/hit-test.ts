/** What lies under the pointer. */
import type { BinTile, SpanTile, Tile } from '../src/protocol/page';
import { AXIS_HEIGHT, type Lane } from './layout';
import type { TimeScale } from './time-scale';

export type Hit =
  | { kind: 'span'; lane: Lane; tile: SpanTile; i: number }
  | { kind: 'bin'; lane: Lane; tile: BinTile; i: number }
  | { kind: 'lane'; lane: Lane };

const SLACK = 3;

export function laneAt(lanes: Lane[], y: number, scrollY: number): Lane | undefined {
  const at = y - AXIS_HEIGHT + scrollY;
  return y < AXIS_HEIGHT ? undefined : lanes.find((lane) => at >= lane.top && at < lane.top + lane.height);
}

export function hitTest(lanes: Lane[], tiles: Tile[], pending: SpanTile[], scale: TimeScale, x: number, y: number, scrollY: number): Hit | undefined {
  const lane = laneAt(lanes, y, scrollY);
  if (!lane || x < scale.left) return undefined;
  const row = (y - AXIS_HEIGHT + scrollY - lane.top - lane.rowsTop) / lane.rowHeight;
  // what is in flight still lies on top
  const open = pending.find((t) => t.track === lane.track.id);
  const opened = open ? spanAt(open, lane, scale, x, row) : -1;
  if (open && opened >= 0) return { kind: 'span', lane, tile: open, i: opened };
  const tile = tiles.find((t) => t.track === lane.track.id);
  if (!tile) return { kind: 'lane', lane };
  if (tile.kind === 'bins') {
    const i = Math.floor((scale.time(x) - tile.t0) / tile.width);
    return (tile.count[i] ?? 0) > 0 ? { kind: 'bin', lane, tile, i } : { kind: 'lane', lane };
  }
  const best = spanAt(tile, lane, scale, x, row);
  return best < 0 ? { kind: 'lane', lane } : { kind: 'span', lane, tile, i: best };
}

/** -1 for none. */
function spanAt(tile: SpanTile, lane: Lane, scale: TimeScale, x: number, row: number): number {
  // thin rows are hit by what is nearest
  const rowSlack = lane.rowHeight >= 6 ? 0 : SLACK / lane.rowHeight;
  let best = -1;
  let bestDistance = Infinity;
  for (let i = 0; i < tile.index.length; i++) {
    const left = scale.x(tile.start[i]!);
    if (left - SLACK > x) break;
    const right = scale.x(tile.start[i]! + tile.duration[i]!);
    if (right + SLACK < x) continue;
    const slot = tile.slot[i]!;
    const dy = row < slot ? slot - row : row > slot + 1 ? row - slot - 1 : 0;
    if (dy > rowSlack) continue;
    const distance = dy * lane.rowHeight + (x < left ? left - x : x > right ? x - right : 0);
    if (distance <= bestDistance) {
      bestDistance = distance;
      best = i;
    }
  }
  return best;
}
