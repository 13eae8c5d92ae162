/** The page's questions about a window. */
import type { PageRequests, Tile } from '../protocol/page';
import { describe } from './detail';
import { sortByKey } from './sort';
import type { TraceStore } from './store';

/** Above this many spans a CSS pixel of window a track is answered in bins. */
const SPANS_PER_PIXEL = 4;
const MAX_WIDTH = 16384;

/**
 * Spans where few enough run in the window, bins elsewhere. Bins are a power of two ns wide, about a pixel, and lie on
 * multiples of their width, so that they stay put while the window is panned.
 */
export function queryTiles(store: TraceStore, { t0, t1, width, tracks }: PageRequests['tiles']['args']): PageRequests['tiles']['reply'] {
  const pixels = Math.min(MAX_WIDTH, Math.max(1, Math.floor(width) || 1));
  const tiles: Tile[] = [];
  if (Number.isFinite(t0) && Number.isFinite(t1) && t1 > t0) {
    const binWidth = 2 ** Math.max(0, Math.round(Math.log2((t1 - t0) / pixels)));
    const binStart = Math.floor(t0 / binWidth) * binWidth;
    const bins = Math.ceil((t1 - binStart) / binWidth);
    for (const id of tracks) {
      const index = store.tracks[id]?.index;
      if (!index) continue;
      const n = index.countIn(t0, t1);
      tiles.push(n <= pixels * SPANS_PER_PIXEL ? index.spanTile(t0, t1) : index.binTile(binStart, binWidth, bins));
    }
  }
  return {
    t0, t1, tiles, pending: store.pending.tiles(tracks, t0, t1, store.end), instants: store.instantsIn(t0, t1),
    modes: store.modeStretches().filter((stretch) => stretch.from < t1 && stretch.to >= t0),
  };
}

/** Rows for the table view: operations, calls and pending operations that run in the window. */
export function queryRows(store: TraceStore, args: PageRequests['rows']['args']): PageRequests['rows']['reply'] {
  const { t0, t1 } = args;
  const tracks = args.track === undefined ? store.tracks : store.tracks.filter((t) => t.id === args.track);
  const parts = tracks.map(({ index }) => index.handlesIn(t0, t1));
  for (const { index } of store.pending.tiles(tracks.map((t) => t.id), t0, t1, store.end)) parts.push(index);
  const all = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const first = Math.max(0, Math.floor(args.offset) || 0);
  const last = first + Math.min(1000, Math.max(0, Math.floor(args.limit) || 0));
  // longest first, earliest first
  const key = args.sort === 'duration' ? (h: number): number => -store.durationOf(h) : (h: number): number => store.startOf(h);
  if (args.sort === 'duration' || parts.length > 1) sortByKey(all, all.length, key);
  return { total: all.length, rows: Array.from(all.subarray(first, last), (handle) => describe(store, handle)!) };
}
