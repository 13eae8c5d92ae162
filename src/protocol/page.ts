/**
 * Messages between the timeline page and whoever answers it (the recording worker, through the host).
 * The page pulls; the only pushes are `status` and `theme`-free news about a recording that still grows.
 * Times are ns since the start of the recording as doubles: exact up to 2^53 ns, about 104 days.
 */
import type { TraceSummary } from './summary';
import type { ApiName, HookState, LostCounts, TraceMode } from './wire';

export const PAGE_PROTOCOL_VERSION = 1;

/** One lane group: a ring or an aio context of one process. */
export interface Track {
  id: number;
  api: ApiName;
  ring: number;
  pid: number;
  comm: string;
  label: string;
  /** highest slot used plus 1: the rows this track needs at full detail */
  depth: number;
  spans: number;
}

export interface RecordingStatus {
  state: 'connecting' | 'recording' | 'stopping' | 'ended' | 'failed';
  /** `this machine`, the ssh host, or the file's name */
  where: string;
  what: string;
  /** end of what is recorded so far, ns */
  end: number;
  spans: number;
  spansPerSecond: number;
  lost: LostCounts;
  mode: TraceMode;
  tracks: Track[];
  hooks: HookState[];
  /** wall clock of time zero, Unix ms */
  wallMs: number;
  /** shown as a banner: why the recording failed or is cut off, and what to do */
  problem?: { message: string; hint: string };
  saved: boolean;
}

/** Spans of one track in a window, as columns of equal length, sorted by start. */
export interface SpanTile {
  kind: 'spans';
  track: number;
  /** index of the span in the recording; the handle for `detail` */
  index: Uint32Array;
  start: Float64Array;
  duration: Float64Array;
  slot: Uint16Array;
  op: Uint8Array;
  flags: Uint32Array;
  /** result < 0 */
  failed: Uint8Array;
}
/** The same window where spans would be thinner than a pixel: `count[i]` spans start or run in bin i. */
export interface BinTile {
  kind: 'bins';
  track: number;
  /** ns of the first bin's left edge and of a bin's width */
  t0: number;
  width: number;
  count: Uint32Array;
  failed: Uint32Array;
  /** longest duration of a span touching the bin, ns */
  longest: Float64Array;
  /** most operations in flight at once within the bin */
  depth: Uint16Array;
}
export type Tile = SpanTile | BinTile;

/** Losses and other instants in the window, as columns. */
export interface InstantColumns { kind: Uint8Array; time: Float64Array; ring: Uint32Array; value: Float64Array }

export interface SpanDetail {
  index: number; track: number; api: ApiName; op: string;
  start: number; duration: number;
  /** -1 unknown */ reap: number; /** -1 unknown */ submit: number;
  pid: number; tid: number; comm: string; thread: string;
  fd: number; path: string; direct: boolean;
  offset: string; length: number; result: number;
  /** the result is an error (a timer that fires is none) */
  failed: boolean;
  /** `EAGAIN` and the like, empty when the result is not negative */
  error: string;
  userData: string;
  /** in words: punted to a worker, part of a chain, … */
  notes: string[];
}

/** Requests of the page: name to arguments and answer. */
export interface PageRequests {
  tiles: { args: { t0: number; t1: number; /** CSS pixels */ width: number; tracks: number[] }; reply: { t0: number; t1: number; tiles: Tile[]; instants: InstantColumns } };
  detail: { args: { index: number }; reply: SpanDetail | null };
  summary: { args: { t0?: number; t1?: number }; reply: TraceSummary };
  /** rows for the table view, the accessible twin of the canvas */
  rows: { args: { t0: number; t1: number; track?: number; sort: 'start' | 'duration'; offset: number; limit: number }; reply: { total: number; rows: SpanDetail[] } };
  /** the next span after (or before) `from` that failed, was punted or is unfinished */
  nextProblem: { args: { from: number; direction: 1 | -1 }; reply: SpanDetail | null };
}
export type PageRequestName = keyof PageRequests;

/** What the page did, for tests and for the host's log. Sent after each frame that drew a new answer, and soon after the view changed. */
export interface DrawnReport { frame: number; t0: number; t1: number; tracks: number; spans: number; bins: number; selected: number | null }

export type FromPage =
  | { kind: 'ready'; version: number }
  | { [K in PageRequestName]: { kind: 'request'; id: number; name: K; args: PageRequests[K]['args'] } }[PageRequestName]
  | { kind: 'command'; command: 'stop' | 'save' | 'showLog' | 'doctor' }
  | { kind: 'drawn'; report: DrawnReport }
  | { kind: 'error'; message: string };

export type ToPage =
  | { kind: 'status'; status: RecordingStatus }
  | { [K in PageRequestName]: { kind: 'reply'; id: number; name: K; value: PageRequests[K]['reply'] } }[PageRequestName]
  | { kind: 'refused'; id: number; message: string };
