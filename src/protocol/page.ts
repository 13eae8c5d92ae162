/**
 * Messages between the timeline page and whoever answers it (the recording worker, through the host).
 * The page pulls; the only pushes are `status` and `theme`-free news about a recording that still grows.
 * Times are ns since the start of the recording as doubles: exact up to 2^53 ns, about 104 days.
 */
import type { TraceSummary } from './summary';
import type { ApiName, HookState, LostCounts, TraceMode } from './wire';

export const PAGE_PROTOCOL_VERSION = 1;

/** One lane group: a ring or an aio context of one process (`ops`), or a thread's system calls (`calls`). */
export interface Track {
  id: number;
  kind: 'ops' | 'calls';
  /** of calls: what is expected of a thread that makes calls of several, sync */
  api: ApiName;
  ring: number;
  pid: number;
  /** of calls; 0 for ops */
  tid: number;
  comm: string;
  label: string;
  /** highest slot used plus 1: the rows this track needs at full detail */
  depth: number;
  /** operations or calls */
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
  /** system calls recorded */
  calls: number;
  /** operations that are counted in histograms only */
  counted: number;
  lost: LostCounts;
  mode: TraceMode;
  /** one operation in so many has a span: 1 all, 0 none */
  every: number;
  /** less is recorded than was asked for, because more was not kept up with */
  steppedDown: boolean;
  /** operations that have been in flight for long and still are */
  pending: number;
  /** ways to asynchronous I/O that were asked for and refused */
  refused: number;
  tracks: Track[];
  hooks: HookState[];
  /** wall clock of time zero, Unix ms */
  wallMs: number;
  /** shown as a banner: why the recording failed or is cut off, and what to do */
  problem?: { message: string; hint: string };
  saved: boolean;
}

/** Spans or calls of one track in a window, as columns of equal length, sorted by start. */
export interface SpanTile {
  kind: 'spans';
  track: number;
  /** handle for `detail`: a span's index in the recording, or a number beyond all indices */
  index: Uint32Array;
  start: Float64Array;
  duration: Float64Array;
  slot: Uint16Array;
  op: Uint8Array;
  flags: Uint32Array;
  /** did not do what it was for */
  failed: Uint8Array;
  /** ns from the start to the hand-over to a worker, or to the wait for readiness; -1 neither */
  parted: Float32Array;
  /** ns off the CPU, and of these in uninterruptible sleep; empty but for system calls */
  asleep: Float64Array;
  blocked: Float64Array;
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

/** A stretch of the recording in one mode; `every` as in {@link RecordingStatus}. */
export interface ModeStretch { from: number; to: number; mode: TraceMode; every: number }

/** Losses and other instants in the window, as columns. */
export interface InstantColumns { kind: Uint8Array; time: Float64Array; ring: Uint32Array; value: Float64Array }

/** An operation, a system call, or an operation that is in flight still, in full. */
export interface SpanDetail {
  kind: 'span' | 'call' | 'pending';
  /** the handle, as in {@link SpanTile} */
  index: number; track: number; api: ApiName; /** of a call its name, like `pread64` */ op: string;
  start: number; /** of a pending one: until the end of what is recorded */ duration: number;
  /** -1 unknown */ reap: number; /** -1 unknown */ submit: number;
  pid: number; tid: number; comm: string; thread: string;
  fd: number; path: string; direct: boolean; /** the file system's name, '' unknown */ fs: string; /** logical block size in bytes, 0 unknown */ block: number;
  offset: string; length: number; result: number;
  /** of URING_CMD, which has no offset but this number there: the driver's command in words; '' for others */
  command: string;
  /** the result is an error (a timer that fires is none) */
  failed: boolean;
  /** `EAGAIN` and the like, empty when the result is not negative */
  error: string;
  userData: string;
  /** ns from the start to the hand-over or the wait for readiness, -1 neither */
  parted: number;
  /** number of the chain of linked requests, 0 none */
  chain: number;
  /** of a call: ns off the CPU, and of these in uninterruptible sleep; -1 for others */
  asleep: number; blocked: number;
  /** `file+0xoffset`, innermost first; empty where no stack was taken */
  stack: string[];
  /** in words: punted to a worker, part of a chain, … */
  notes: string[];
}

/** Requests of the page: name to arguments and answer. */
export interface PageRequests {
  tiles: { args: { t0: number; t1: number; /** CSS pixels */ width: number; tracks: number[] }; reply: { t0: number; t1: number; tiles: Tile[]; /** of operations in flight still, one for each track that has any */ pending: SpanTile[]; instants: InstantColumns; modes: ModeStretch[] } };
  detail: { args: { index: number }; reply: SpanDetail | null };
  summary: { args: { t0?: number; t1?: number }; reply: TraceSummary };
  /** rows for the table view, the accessible twin of the canvas */
  rows: { args: { t0: number; t1: number; track?: number; sort: 'start' | 'duration'; offset: number; limit: number }; reply: { total: number; rows: SpanDetail[] } };
  /** the next span or call after (or before) `from` that failed, was punted, blocked its submitter or is unfinished */
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
