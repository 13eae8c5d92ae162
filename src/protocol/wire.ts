/**
 * The stream between the loader and the recording, and the `.ringtrace` file: the same bytes.
 *
 * Specified in words in docs/trace-format.md; the C side is bpf/src/frame.h, and a test compares the two.
 * All integers are little-endian. Times are nanoseconds since `Hello.clock.mono_ns` (when all was attached).
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
  /** JSON {@link Histograms}; while the mode is not `spans`, every half second and before the mode changes. */
  Histograms: 6,
  /** JSON {@link Census}; every two seconds when the whole machine is traced. */
  Census: 7,
  /** JSON {@link Threads}; with each Totals while there are such threads. */
  Threads: 8,
  /** Binary batch of finished operations, see {@link SPAN_FIELDS}. */
  Spans: 16,
  /** Binary batch of instants, see {@link INSTANT_FIELDS}. */
  Instants: 17,
  /** Binary batch of system calls that returned, see {@link CALL_FIELDS}. */
  Calls: 18,
  /** Rows of {@link SPAN_FIELDS} for operations that have been in flight for long and still are: once each, the duration is their age. */
  Pending: 19,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Number of each traced API on the wire. `api` in JSON is the key's text. */
export const Api = { io_uring: 0, libaio: 1, 'posix-aio': 2, epoll: 3, sync: 4 } as const;
export type ApiName = keyof typeof Api;

/** Numbers of the system calls that {@link CALL_FIELDS} rows are about. */
export const Call = {
  io_uring_enter: 0, io_submit: 1, io_getevents: 2, io_pgetevents: 3, epoll_wait: 4, epoll_pwait: 5, epoll_pwait2: 6,
  read: 7, write: 8, pread64: 9, pwrite64: 10, readv: 11, writev: 12, preadv: 13, pwritev: 14, preadv2: 15, pwritev2: 16,
  fsync: 17, fdatasync: 18,
} as const;
export type CallName = keyof typeof Call;
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
  /** One of a sample: the histograms count it too. */
  Sampled: 1 << 15,
  /** Data in a registered buffer. */
  FixedBuffer: 1 << 16,
  /** Second completion of a zero-copy send: from the first one until the kernel gave the buffer back. */
  Notification: 1 << 17,
  /** Its completion signalled an eventfd. */
  Signals: 1 << 18,
} as const;

/**
 * Spans payload: varint count, varint base (ns), then `count` rows of these fields in this order.
 * `varint` is unsigned LEB128 of up to 64 bits; `zigzag` is a signed value folded into a varint;
 * `delta` is the zigzag of the difference to the previous row's value (first row: to base for `start`, to 0 otherwise).
 */
export const SPAN_FIELDS = [
  ['api', 'u8'],
  /** io_uring opcode (IORING_OP_*), libaio command (IO_CMD_*), POSIX AIO: 0 read, 1 write, 2 fsync. */
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
  /** file offset in bytes, -1 where the operation has none or uses the file's position; URING_CMD: the driver's command (`cmd_op`) */
  ['offset', 'zigzag'],
  /** bytes asked for */
  ['length', 'varint'],
  /** result as the program sees it: bytes, or -errno */
  ['result', 'zigzag'],
  ['userData', 'varint'],
  /** ns from the start to the hand-over to a worker, or to the wait for readiness, plus 1; 0 is neither. POSIX AIO: until a thread began it */
  ['parted', 'varint'],
  /** number of the chain of linked requests; 0 is none */
  ['chain', 'varint'],
  /** number of the submitter's stack, see {@link StackInfo}; 0 is none */
  ['stack', 'varint'],
] as const;

/** Calls payload, coded as that of spans: system calls that returned. */
export const CALL_FIELDS = [
  /** whose call it is: io_uring_enter is io_uring's, read is sync's */
  ['api', 'u8'],
  /** number of the system call, see {@link Call} */
  ['call', 'u8'],
  ['start', 'delta'],
  ['duration', 'varint'],
  /** ns of the duration that the thread was off the CPU because it waited */
  ['asleep', 'varint'],
  /** ns of these in uninterruptible sleep: for a device, or for a lock of the kernel */
  ['blocked', 'varint'],
  ['pid', 'delta'],
  ['tid', 'delta'],
  /** ring or aio context; 0 where there is none */
  ['ring', 'varint'],
  ['fd', 'zigzag'],
  /** file offset in bytes, -1 where the call has none */
  ['offset', 'zigzag'],
  /** bytes, iocbs, sqes or events asked for */
  ['length', 'varint'],
  /** as the program sees it, or -errno */
  ['result', 'zigzag'],
  ['stack', 'varint'],
] as const;

/** Kinds of instants. */
export const InstantKind = {
  CqOverflow: 1,
  ShortWrite: 2,
  LinkFailed: 3,
  /** Records were lost around here; value is how many. */
  Lost: 4,
  /** From here on: value 1 every operation has a span, N > 1 one in N, 0 none; the rest is in histograms. */
  Mode: 5,
  /** io_uring_register; value is its opcode (IORING_REGISTER_*). */
  Register: 6,
  /** A security module was asked: value 1 uring_cmd, 2 sqpoll, 3 override_creds. */
  Security: 7,
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

export type Info = ProcessInfo | ThreadInfo | RingInfo | FileInfo | RefusedInfo | StackInfo | ModuleInfo;
export interface ProcessInfo { kind: 'process'; t: number; pid: number; comm: string }
export interface ThreadInfo { kind: 'thread'; t: number; pid: number; tid: number; comm: string }
export interface RingInfo {
  kind: 'ring'; t: number; ring: number; api: 'io_uring' | 'libaio' | 'posix-aio'; pid: number;
  /** io_uring: descriptor, queue sizes and IORING_SETUP_* bits; libaio: `sq` is the nr_events of io_setup; posix-aio: one a process. -1/0 unknown */
  fd: number; sq: number; cq: number; flags: number;
  /** existed before the recording began */
  existed: boolean;
}
export interface FileInfo {
  kind: 'file'; t: number; pid: number; fd: number;
  /** /proc/PID/fd link text: a path, `socket:[…]`, `pipe:[…]`; hostile text */
  path: string;
  direct: boolean;
  /** the file system's name, like `ext4` */
  fs?: string;
  /** logical block size of the device below in bytes: what O_DIRECT has to be aligned to */
  block?: number;
}
/** An API that a process asked for and did not get. */
export interface RefusedInfo {
  kind: 'refused'; t: number; pid: number; tid: number; comm: string;
  /** the system call, and the errno it returned */
  call: string; errno: number;
  /** seccomp: a filter answered; disabled: kernel.io_uring_disabled; missing: not in this kernel; policy: a security module or capability; arguments: the caller's own mistake */
  cause: 'seccomp' | 'disabled' | 'missing' | 'policy' | 'arguments' | 'unknown';
  /** mode of the process: 0 none, 1 strict, 2 filter; -1 unknown */
  seccomp: number;
  /** kernel.io_uring_disabled; -1: this kernel has no such setting */
  disabled: number;
  /** in a namespace of its own for processes or users */
  container: boolean;
}
/** A user stack, innermost frame first: hexadecimal addresses in the process' memory. Addresses of the kernel never leave the host. */
export interface StackInfo { kind: 'stack'; t: number; stack: number; pid: number; frames: string[] }
/** An executable mapping of a process that has stacks: `start` to `end` is the file's `offset` onwards; all hexadecimal. */
export interface ModuleInfo { kind: 'module'; t: number; pid: number; start: string; end: string; offset: string; path: string; build_id?: string }

/**
 * What was counted since `from` while not every operation had a span: exact counts, and latencies in eight steps an octave.
 * Step `b` below 8 is `b` ns; else, with e = floor(b / 8) + 2, it is the values from (8 + b % 8) * 2^(e - 3) ns on.
 */
export interface Histograms { from: number; t: number; ops: OpHistogram[] }
export interface OpHistogram {
  api: ApiName;
  /** as in a span; of epoll and sync as in a call */
  op: number;
  count: number; errors: number; punted: number;
  /** sum of the positive results: bytes where the operation reads or writes */
  bytes: number;
  max_ns: number;
  /** [step, count], steps ascending; the counts may sum to less than `count` where a latency is unknown */
  steps: [number, number][];
}
/** Who uses which API of asynchronous I/O on this machine, since the recording began, most active first. */
export interface Census {
  t: number;
  processes: { pid: number; comm: string; uid: number; apis: { api: ApiName; submitted: number; completed: number; rings: number }[] }[];
  /** processes that found no place in the list */
  more: number;
}
/** Kernel threads that work for rings: CPU time since they were first seen. */
export interface Threads { t: number; threads: { pid: number; tid: number; role: 'sqpoll' | 'worker'; cpu_ns: number; /** how long it has been watched */ wall_ns: number }[] }

/** Exact counts, kept by the kernel programs; right even where records were lost. */
export interface Totals {
  t: number;
  apis: { api: ApiName; submitted: number; completed: number; inflight: number }[];
  /** spans sent so far */
  spans: number;
  /** calls sent so far */
  calls: number;
  lost: LostCounts;
  mode: TraceMode;
  /** mode `sampled`: one operation in so many has a span */
  every?: number;
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
