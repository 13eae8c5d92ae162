/**
 * The stream between the loader and the recording, and the `.ringtrace` file: the same bytes.
 *
 * Specified in words in docs/trace-format.md; the C side is bpf/src/frame.h, and a test compares the two.
 * All integers are little-endian. Times are nanoseconds since `Hello.clock.mono_ns` (the loader's start).
 */

/** First eight bytes of every stream and file: "RINGLIT" and the format's major version. */
export const MAGIC = Uint8Array.of(0x52, 0x49, 0x4e, 0x47, 0x4c, 0x49, 0x54, 0x01);
export const FORMAT_VERSION = 1;

/**
 * Frame header, 12 bytes: u32 payload length, u8 type, u8 flags (0 in version 1), u16 sequence (wraps, first
 * frame is 0), u32 CRC-32 (IEEE, as zlib) of the header's first eight bytes followed by the payload.
 */
export const FRAME_HEADER_BYTES = 12;
/** A longer payload is a damaged or hostile stream. */
export const MAX_FRAME_PAYLOAD = 4 * 1024 * 1024;

export const FrameType = {
  /** JSON {@link Hello}; always the first frame, exactly once. */
  Hello: 1,
  /** JSON {@link Info}; names for the numbers that spans carry, sent before the first span that uses them. */
  Info: 2,
  /** JSON {@link Totals}; at least once a second while recording. */
  Totals: 3,
  /** JSON {@link LogEntry}. */
  Log: 4,
  /** JSON {@link Goodbye}; the last frame of a recording that ended in order. */
  Goodbye: 5,
  /** Binary batch of finished operations, see {@link SPAN_FIELDS}. */
  Spans: 16,
  /** Binary batch of instants, see {@link INSTANT_FIELDS}. */
  Instants: 17,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Number of each traced API on the wire. `api` in JSON is the key's text. */
export const Api = { io_uring: 0, libaio: 1, 'posix-aio': 2, epoll: 3, sync: 4 } as const;
export type ApiName = keyof typeof Api;
export const API_NAMES = Object.keys(Api) as ApiName[];

/** Bits of a span's `flags`. */
export const SpanFlag = {
  /** Handed to an `iou-wrk` worker. */
  Punted: 1 << 0,
  /** The worker was asked for (IOSQE_ASYNC) or the opcode always takes one. Only with Punted. */
  PuntExpected: 1 << 1,
  /** Had to wait for readiness (poll armed). */
  Polled: 1 << 2,
  /** Part of a linked chain. */
  Linked: 1 << 3,
  /** One completion of a multishot request that goes on (CQE_F_MORE). */
  MultishotMore: 1 << 4,
  /** Completion went to the overflow list: the CQ ring was full. */
  Overflow: 1 << 5,
  /** No completion was seen: IOSQE_CQE_SKIP_SUCCESS, or records were lost. The end is inferred. */
  EndInferred: 1 << 6,
  /** Still in flight when the recording ended; the duration runs to the end of the recording. */
  Unfinished: 1 << 7,
  /** Submitted by the SQPOLL thread. */
  SqPoll: 1 << 8,
  /** Fixed (registered) file; `fd` is the slot. */
  FixedFile: 1 << 9,
  /** Paired without a request pointer; the latency is approximate. */
  Approximate: 1 << 10,
  /** The file was open with O_DIRECT. */
  Direct: 1 << 11,
  /** libaio: the end is the reap (io_getevents), because the completion itself could not be seen. */
  EndIsReap: 1 << 12,
  /** Rejected before it was issued (malformed sqe, refused iocb). */
  Rejected: 1 << 13,
  /** A completion without a submission on this ring (MSG_RING from another ring). */
  Foreign: 1 << 14,
} as const;

/**
 * Spans payload: varint count, varint base (ns), then `count` rows of these fields in this order.
 * `varint` is unsigned LEB128 of up to 64 bits; `zigzag` is a signed value folded into a varint;
 * `delta` is the zigzag of the difference to the previous row's value (first row: to base for `start`, to 0 otherwise).
 */
export const SPAN_FIELDS = [
  ['api', 'u8'],
  /** io_uring opcode (IORING_OP_*), libaio command (IO_CMD_*). */
  ['op', 'u8'],
  ['flags', 'varint'],
  /** ns of submission */
  ['start', 'delta'],
  /** ns from submission to completion */
  ['duration', 'varint'],
  /** ns from completion to reap, plus 1; 0 is unknown */
  ['reap', 'varint'],
  /** ns the submitting system call took in all, plus 1; 0 is unknown (io_uring) */
  ['submit', 'varint'],
  ['pid', 'delta'],
  ['tid', 'delta'],
  /** short id of the ring or aio context, see {@link RingInfo} */
  ['ring', 'varint'],
  /** place among the operations in flight on this ring at submission, lowest free first: a lane that never overlaps */
  ['slot', 'varint'],
  ['fd', 'zigzag'],
  /** file offset in bytes, -1 where the operation has none or uses the file's position */
  ['offset', 'zigzag'],
  /** bytes asked for */
  ['length', 'varint'],
  /** result as the program sees it: bytes, or -errno */
  ['result', 'zigzag'],
  ['userData', 'varint'],
] as const;

/** Kinds of instants. */
export const InstantKind = {
  CqOverflow: 1,
  ShortWrite: 2,
  LinkFailed: 3,
  /** Records were lost around here; value is how many. */
  Lost: 4,
} as const;

/** Instants payload: varint count, varint base (ns), then rows. */
export const INSTANT_FIELDS = [
  ['kind', 'u8'],
  ['time', 'delta'],
  ['pid', 'delta'],
  ['tid', 'delta'],
  ['ring', 'varint'],
  ['value', 'zigzag'],
] as const;

/** How much of what happened is in the stream. */
export type TraceMode = 'spans' | 'sampled' | 'aggregate';

export interface Hello {
  protocol: number;
  loader: string;
  machine: string;
  kernel: string;
  clock: { /** CLOCK_MONOTONIC, decimal ns: time zero of the recording */ mono_ns: string; /** Unix time of the same moment */ wall_ms: number };
  cpus: number;
  mode: TraceMode;
  target: { kind: 'command' | 'pid' | 'all'; pid?: number; argv?: string[] };
  /** What was asked of this kernel and what it gave. */
  hooks: HookState[];
}
export interface HookState {
  name: string;
  state: 'attached' | 'unavailable' | 'off';
  /** present unless attached */
  why?: string;
}

export type Info = ProcessInfo | ThreadInfo | RingInfo | FileInfo;
export interface ProcessInfo { kind: 'process'; t: number; pid: number; comm: string }
export interface ThreadInfo { kind: 'thread'; t: number; pid: number; tid: number; comm: string }
export interface RingInfo {
  kind: 'ring'; t: number; ring: number; api: 'io_uring' | 'libaio'; pid: number;
  /** io_uring: descriptor, queue sizes and IORING_SETUP_* bits; libaio: `sq` is the nr_events of io_setup. -1/0 unknown */
  fd: number; sq: number; cq: number; flags: number;
  /** existed before the recording began */
  existed: boolean;
}
export interface FileInfo {
  kind: 'file'; t: number; pid: number; fd: number;
  /** /proc/PID/fd link text: a path, `socket:[…]`, `pipe:[…]`; hostile text */
  path: string;
  direct: boolean;
}

/** Exact counts, kept by the kernel programs; right even where records were lost. */
export interface Totals {
  t: number;
  apis: { api: ApiName; submitted: number; completed: number; inflight: number }[];
  /** spans sent so far */
  spans: number;
  lost: LostCounts;
  mode: TraceMode;
}
export interface LostCounts {
  /** records that found the kernel's ring buffer full */
  kernel: number;
  /** frames dropped because the reader was too slow */
  stream: number;
  /** completions whose submission was never seen, not counting those submitted before the recording */
  unpaired: number;
}
export interface LogEntry { t: number; level: 'info' | 'warning' | 'error'; code: string; message: string; hint?: string }
export interface Goodbye {
  t: number;
  reason: 'target-exited' | 'stopped' | 'duration' | 'signal' | 'error' | 'cannot-trace';
  /** of the command the loader started */
  exit?: { code?: number; signal?: number };
  totals: Totals;
}

/** The loader's exit status. */
export const LoaderExit = { Ok: 0, TargetFailed: 1, Usage: 2, CannotTrace: 3 } as const;
