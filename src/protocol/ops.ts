/** The kernel's names for the operation numbers that spans carry, and what their results mean. */
import { Call, type ApiName } from './wire';

/** IORING_OP_* by number, as of Linux 7.3. */
const IO_URING_OPS = [
  'NOP', 'READV', 'WRITEV', 'FSYNC', 'READ_FIXED', 'WRITE_FIXED', 'POLL_ADD', 'POLL_REMOVE', 'SYNC_FILE_RANGE', 'SENDMSG',
  'RECVMSG', 'TIMEOUT', 'TIMEOUT_REMOVE', 'ACCEPT', 'ASYNC_CANCEL', 'LINK_TIMEOUT', 'CONNECT', 'FALLOCATE', 'OPENAT', 'CLOSE',
  'FILES_UPDATE', 'STATX', 'READ', 'WRITE', 'FADVISE', 'MADVISE', 'SEND', 'RECV', 'OPENAT2', 'EPOLL_CTL',
  'SPLICE', 'PROVIDE_BUFFERS', 'REMOVE_BUFFERS', 'TEE', 'SHUTDOWN', 'RENAMEAT', 'UNLINKAT', 'MKDIRAT', 'SYMLINKAT', 'LINKAT',
  'MSG_RING', 'FSETXATTR', 'SETXATTR', 'FGETXATTR', 'GETXATTR', 'SOCKET', 'URING_CMD', 'SEND_ZC', 'SENDMSG_ZC', 'READ_MULTISHOT',
  'WAITID', 'FUTEX_WAIT', 'FUTEX_WAKE', 'FUTEX_WAITV', 'FIXED_FD_INSTALL', 'FTRUNCATE', 'BIND', 'LISTEN', 'RECV_ZC', 'EPOLL_WAIT',
  'READV_FIXED', 'WRITEV_FIXED', 'PIPE', 'NOP128', 'URING_CMD128',
];
/** IO_CMD_* of libaio (IOCB_CMD_* of the kernel) by number; 4 was never assigned a meaning. */
const LIBAIO_OPS = ['PREAD', 'PWRITE', 'FSYNC', 'FDSYNC', '', 'POLL', 'NOOP', 'PREADV', 'PWRITEV'];
/** What glibc's aio_* functions ask for, by number; the first two are LIO_READ and LIO_WRITE. */
const POSIX_AIO_OPS = ['READ', 'WRITE', 'FSYNC'];

const CALLS = Object.keys(Call);
/** Operations of epoll and of synchronous I/O are system calls: `epoll_pwait2` is PWAIT2, `pread64` is PREAD. */
const CALL_OPS = CALLS.map((call) => call.replace(/^epoll_/, '').replace(/64$/, '').toUpperCase());
const OPS: Record<ApiName, string[]> = { io_uring: IO_URING_OPS, libaio: LIBAIO_OPS, 'posix-aio': POSIX_AIO_OPS, epoll: CALL_OPS, sync: CALL_OPS };

/** The kernel's name without its prefix, `OP_<n>` for a number this version does not know. */
export function opName(api: ApiName, op: number): string {
  return OPS[api][op] || `OP_${op}`;
}
/** A system call by its own name, like `pread64`. */
export function callName(call: number): string {
  return CALLS[call] ?? `call ${call}`;
}
/** IORING_REGISTER_* and IORING_UNREGISTER_* by number, as of Linux 7.3. */
const REGISTER_OPS = [
  'REGISTER_BUFFERS', 'UNREGISTER_BUFFERS', 'REGISTER_FILES', 'UNREGISTER_FILES', 'REGISTER_EVENTFD', 'UNREGISTER_EVENTFD',
  'REGISTER_FILES_UPDATE', 'REGISTER_EVENTFD_ASYNC', 'REGISTER_PROBE', 'REGISTER_PERSONALITY', 'UNREGISTER_PERSONALITY',
  'REGISTER_RESTRICTIONS', 'REGISTER_ENABLE_RINGS', 'REGISTER_FILES2', 'REGISTER_FILES_UPDATE2', 'REGISTER_BUFFERS2',
  'REGISTER_BUFFERS_UPDATE', 'REGISTER_IOWQ_AFF', 'UNREGISTER_IOWQ_AFF', 'REGISTER_IOWQ_MAX_WORKERS', 'REGISTER_RING_FDS',
  'UNREGISTER_RING_FDS', 'REGISTER_PBUF_RING', 'UNREGISTER_PBUF_RING', 'REGISTER_SYNC_CANCEL', 'REGISTER_FILE_ALLOC_RANGE',
  'REGISTER_PBUF_STATUS', 'REGISTER_NAPI', 'UNREGISTER_NAPI', 'REGISTER_CLOCK', 'REGISTER_CLONE_BUFFERS', 'REGISTER_SEND_MSG_RING',
  'REGISTER_ZCRX_IFQ', 'REGISTER_RESIZE_RINGS', 'REGISTER_MEM_REGION',
  'REGISTER_QUERY', 'REGISTER_ZCRX_CTRL', 'REGISTER_BPF_FILTER',
];
/** What an `io_uring_register` call was for; a flag of the opcode (IORING_REGISTER_USE_REGISTERED_RING) does not matter. */
export function registerName(opcode: number): string {
  return REGISTER_OPS[opcode % 0x8000_0000] ?? `REGISTER_${opcode}`;
}

/** IORING_SETUP_* by bit, as of Linux 7.3. */
const SETUP_FLAGS = [
  'IOPOLL', 'SQPOLL', 'SQ_AFF', 'CQSIZE', 'CLAMP', 'ATTACH_WQ', 'R_DISABLED', 'SUBMIT_ALL', 'COOP_TASKRUN', 'TASKRUN_FLAG', 'SQE128', 'CQE32',
  'SINGLE_ISSUER', 'DEFER_TASKRUN', 'NO_MMAP', 'REGISTERED_FD_ONLY', 'NO_SQARRAY', 'HYBRID_IOPOLL', 'CQE_MIXED', 'SQE_MIXED', 'SQ_REWIND',
];
/** What a ring was set up with, without the prefix; `bit 31` for one this version does not know. */
export function setupNames(flags: number): string[] {
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (flags >>> bit) & 1);
  return bits.map((bit) => SETUP_FLAGS[bit] ?? `bit ${bit}`);
}

const ETIME = 62;
const ECANCELED = 125;
const EAGAIN = 11;
const EINTR = 4;
const TIMERS = new Set(['TIMEOUT', 'LINK_TIMEOUT'].map((name) => IO_URING_OPS.indexOf(name)));
const TIMEOUT = IO_URING_OPS.indexOf('TIMEOUT');

/** An operation that did not do what it was for. A timer that fires ends with ETIME, and that is what it is for. */
export function isFailure(op: number, result: number): boolean {
  return result < 0 && !(result === -ETIME && TIMERS.has(op));
}

/** A system call that did not do what it was for. Nothing there yet, and a signal, are no failures. */
export function isFailedCall(result: number): boolean {
  return result < 0 && result !== -EAGAIN && result !== -EINTR;
}
export function isCancelled(result: number): boolean {
  return result === -ECANCELED;
}
/** Its time ran out: a link timeout that struck, or another operation that ended for that reason. A TIMEOUT is meant to. */
export function isTimedOut(api: ApiName, op: number, result: number): boolean {
  return result === -ETIME && (api !== 'io_uring' || op !== TIMEOUT);
}

export type OpClass = 'read' | 'write' | 'sync' | 'wait' | 'other';

/** What an operation does to data; the page colours by it, the statistics count bytes of reads and writes only. */
export function opClass(api: ApiName, op: number): OpClass {
  const name = opName(api, op);
  if (/^(READ|RECV|PREAD)/.test(name)) return 'read';
  if (/^(WRITE|SEND|PWRITE|SPLICE|TEE)/.test(name)) return 'write';
  if (/^(FSYNC|FDSYNC|FDATASYNC|SYNC_FILE_RANGE|FALLOCATE|FTRUNCATE)/.test(name)) return 'sync';
  if (/^(POLL|TIMEOUT|LINK_TIMEOUT|ACCEPT|CONNECT|EPOLL|FUTEX|WAIT|PWAIT|IO_P?GETEVENTS)/.test(name)) return 'wait';
  return 'other';
}
