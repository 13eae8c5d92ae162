/** Where each track lies. A track gets a row an operation in flight; where that is too much its rows get thinner. */
import type { Track } from '../src/protocol/page';

export interface Lane {
  track: Track;
  /** CSS pixels from the top of all lanes */
  top: number;
  height: number;
  /** of the rows' area within the lane */
  rowsTop: number;
  rowHeight: number;
}

export const AXIS_HEIGHT = 24;
const ROW = 15;
const PAD = 5;
const MIN_LANE = 40;

/** Lanes top to bottom, and their height in all. `height` is what there is to fill. */
export function layOut(tracks: Track[], order: number[], height: number): { lanes: Lane[]; height: number } {
  const sorted = orderTracks(tracks, order);
  const wanted = sorted.map((t) => Math.max(MIN_LANE, t.depth * ROW + 2 * PAD));
  const total = wanted.reduce((a, b) => a + b, 0);
  // deep tracks share what the shallow ones leave
  const cap = total <= height ? Infinity : shareOf(wanted, height);
  const lanes: Lane[] = [];
  let top = 0;
  for (const [i, track] of sorted.entries()) {
    const laneHeight = Math.min(wanted[i]!, cap);
    lanes.push({ track, top, height: laneHeight, rowsTop: PAD, rowHeight: Math.min(ROW, (laneHeight - 2 * PAD) / Math.max(1, track.depth)) });
    top += laneHeight;
  }
  return { lanes, height: top };
}

/** The largest lane height at which all fit, but never under what a lane needs to be read. */
function shareOf(wanted: number[], height: number): number {
  const ascending = [...wanted].sort((a, b) => a - b);
  let left = height;
  for (const [i, want] of ascending.entries()) {
    const share = left / (ascending.length - i);
    if (want > share) return Math.max(MIN_LANE + 2 * PAD, share);
    left -= want;
  }
  return Infinity;
}

function orderTracks(tracks: Track[], order: number[]): Track[] {
  const place = new Map(order.map((id, i) => [id, i]));
  return tracks
    .map((track, i) => ({ track, key: place.get(track.id) ?? order.length + i }))
    .sort((a, b) => a.key - b.key)
    .map(({ track }) => track);
}
