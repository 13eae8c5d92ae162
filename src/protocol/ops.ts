/** The kernel's names for the operation numbers that spans carry, and what their results mean. */
import type { ApiName } from './wire';

/** IORING_OP_* by number, as of Linux 6.19. */
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

/** The kernel's name without its prefix, `OP_<n>` for a number this version does not know. */
export function opName(api: ApiName, op: number): string {
  const names = api === 'io_uring' ? IO_URING_OPS : api === 'posix-aio' ? POSIX_AIO_OPS : LIBAIO_OPS;
  return names[op] || `OP_${op}`;
}

const ETIME = 62;
const TIMERS = new Set(['TIMEOUT', 'LINK_TIMEOUT'].map((name) => IO_URING_OPS.indexOf(name)));

/** An operation that did not do what it was for. A timer that fires ends with ETIME, and that is what it is for. */
export function isFailure(op: number, result: number): boolean {
  return result < 0 && !(result === -ETIME && TIMERS.has(op));
}

export type OpClass = 'read' | 'write' | 'sync' | 'wait' | 'other';

/** What an operation does to data; the page colours by it, the statistics count bytes of reads and writes only. */
export function opClass(api: ApiName, op: number): OpClass {
  const name = opName(api, op);
  if (/^(READ|RECV|PREAD)/.test(name)) return 'read';
  if (/^(WRITE|SEND|PWRITE|SPLICE|TEE)/.test(name)) return 'write';
  if (/^(FSYNC|FDSYNC|SYNC_FILE_RANGE|FALLOCATE|FTRUNCATE)/.test(name)) return 'sync';
  if (/^(POLL|TIMEOUT|LINK_TIMEOUT|ACCEPT|CONNECT|EPOLL|FUTEX|WAITID)/.test(name)) return 'wait';
  return 'other';
}
