/** The page's questions about a window. */
import type { PageRequests, Tile } from '../protocol/page';
import { describeSpan } from './detail';
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
  return { t0, t1, tiles, instants: store.instantsIn(t0, t1) };
}

/** Rows for the table view: spans that run in the window. */
export function queryRows(store: TraceStore, args: PageRequests['rows']['args']): PageRequests['rows']['reply'] {
  const tracks = args.track === undefined ? store.tracks : store.tracks.filter((t) => t.id === args.track);
  const parts = tracks.map(({ index }) => index.indicesIn(args.t0, args.t1));
  const all = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const { spans } = store;
  const first = Math.max(0, Math.floor(args.offset) || 0);
  const last = first + Math.min(1000, Math.max(0, Math.floor(args.limit) || 0));
  // longest first, earliest first
  const key = args.sort === 'duration' ? (i: number): number => -spans.duration(i) : (i: number): number => spans.start(i);
  if (args.sort === 'duration' || parts.length > 1) sortByKey(all, all.length, key);
  return { total: all.length, rows: Array.from(all.subarray(first, last), (i) => describeSpan(store, i)!) };
}
