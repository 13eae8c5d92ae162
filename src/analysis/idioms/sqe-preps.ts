/** What the arguments of liburing's preparations mean, by position; the sqe itself is argument 0. */

/** How long a structure behind an argument is needed: until the submission copied it, or until the completion. */
export type Lifetime = 'submit' | 'completion';

export interface PrepShape {
  fd?: number;
  /** plain bytes the kernel reads or writes until the completion */
  buffer?: number;
  length?: number;
  offset?: number;
  flags?: number;
  /** iovec array or msghdr: a structure that leads to the bytes */
  vector?: number;
  /** structures that the request only points to */
  structs?: { argument: number; until: Lifetime; what: string }[];
  bufferIndex?: number;
  fileIndex?: number;
  /** the kernel fills the buffer */
  into?: true;
}

const PATH = (argument: number, what = 'path') => ({ argument, until: 'submit' as const, what });

const rw = { fd: 1, buffer: 2, length: 3, offset: 4 };
const rwv = { fd: 1, vector: 2, offset: 4, structs: [{ argument: 2, until: 'submit' as const, what: 'iovec' }] };
const stream = { fd: 1, buffer: 2, length: 3, flags: 4 };
const message = (until: Lifetime): PrepShape => ({ fd: 1, vector: 2, flags: 3, structs: [{ argument: 2, until, what: 'msghdr' }] });
const accept: PrepShape = { fd: 1, flags: 4, structs: [{ argument: 2, until: 'completion', what: 'address' }, { argument: 3, until: 'completion', what: 'address length' }] };
const address: PrepShape = { fd: 1, structs: [{ argument: 2, until: 'submit', what: 'address' }] };

/** By name without `io_uring_prep_`. */
export const PREPS: ReadonlyMap<string, PrepShape> = new Map<string, PrepShape>(Object.entries<PrepShape>({
  read: { ...rw, into: true }, write: rw,
  read_fixed: { ...rw, bufferIndex: 5, into: true }, write_fixed: { ...rw, bufferIndex: 5 },
  readv: { ...rwv, into: true }, writev: rwv, readv2: { ...rwv, flags: 5, into: true }, writev2: { ...rwv, flags: 5 },
  readv_fixed: { ...rwv, flags: 5, bufferIndex: 6, into: true }, writev_fixed: { ...rwv, flags: 5, bufferIndex: 6 },
  read_multishot: { fd: 1 },
  recv: { ...stream, into: true }, send: stream, send_zc: stream, recv_multishot: { ...stream, into: true },
  send_zc_fixed: { ...stream, bufferIndex: 6 },
  sendto: { ...stream, structs: [{ argument: 5, until: 'submit', what: 'address' }] },
  sendmsg: message('submit'), sendmsg_zc: message('submit'), recvmsg: { ...message('completion'), into: true }, recvmsg_multishot: { ...message('completion'), into: true },
  splice: { fd: 3, length: 5, flags: 6 }, tee: { fd: 1, length: 3, flags: 4 },
  fsync: { fd: 1, flags: 2 }, sync_file_range: { fd: 1, length: 2, offset: 3, flags: 4 }, fallocate: { fd: 1, offset: 3, length: 4 },
  ftruncate: { fd: 1, length: 2 }, fadvise: { fd: 1 }, poll_add: { fd: 1 }, poll_multishot: { fd: 1 },
  accept, multishot_accept: accept, accept_direct: { ...accept, fileIndex: 5 }, multishot_accept_direct: accept,
  connect: address, bind: address, listen: { fd: 1 }, shutdown: { fd: 1 },
  open: { flags: 2, structs: [PATH(1)] }, open_direct: { flags: 2, fileIndex: 4, structs: [PATH(1)] },
  openat: { flags: 3, structs: [PATH(2)] }, openat_direct: { flags: 3, fileIndex: 5, structs: [PATH(2)] },
  openat2: { structs: [PATH(2), { argument: 3, until: 'submit', what: 'open_how' }] },
  openat2_direct: { fileIndex: 4, structs: [PATH(2), { argument: 3, until: 'submit', what: 'open_how' }] },
  close: { fd: 1 }, close_direct: { fileIndex: 1 },
  statx: { flags: 3, structs: [PATH(2), { argument: 5, until: 'completion', what: 'statx buffer' }] },
  provide_buffers: { buffer: 1, length: 2, into: true },
  files_update: { structs: [{ argument: 1, until: 'completion', what: 'descriptor array' }] },
  timeout: { flags: 3, structs: [{ argument: 1, until: 'submit', what: 'timespec' }] },
  link_timeout: { flags: 2, structs: [{ argument: 1, until: 'submit', what: 'timespec' }] },
  timeout_update: { flags: 3, structs: [{ argument: 1, until: 'submit', what: 'timespec' }] },
  unlink: { structs: [PATH(1)] }, unlinkat: { structs: [PATH(2)] }, mkdir: { structs: [PATH(1)] }, mkdirat: { structs: [PATH(2)] },
  rename: { structs: [PATH(1), PATH(2)] }, renameat: { structs: [PATH(2), PATH(4)] },
  symlink: { structs: [PATH(1), PATH(2)] }, symlinkat: { structs: [PATH(1), PATH(3)] }, link: { structs: [PATH(1), PATH(2)] }, linkat: { structs: [PATH(2), PATH(4)] },
  epoll_ctl: { structs: [{ argument: 4, until: 'submit', what: 'epoll_event' }] },
  epoll_wait: { fd: 1, structs: [{ argument: 2, until: 'completion', what: 'event array' }] },
  socket: { flags: 4 }, socket_direct: { fileIndex: 4, flags: 5 }, socket_direct_alloc: { flags: 4 },
  waitid: { structs: [{ argument: 3, until: 'completion', what: 'siginfo_t' }] },
  futex_waitv: { structs: [{ argument: 1, until: 'submit', what: 'futex_waitv array' }] },
  pipe: { flags: 2, structs: [{ argument: 1, until: 'completion', what: 'descriptor pair' }] },
  pipe_direct: { flags: 2, fileIndex: 3, structs: [{ argument: 1, until: 'completion', what: 'descriptor pair' }] },
  getxattr: { buffer: 2, into: true, structs: [PATH(1, 'name'), PATH(3)] }, setxattr: { structs: [PATH(1, 'name'), PATH(2, 'value'), PATH(3)] },
  fgetxattr: { fd: 1, buffer: 3, into: true, structs: [PATH(2, 'name')] }, fsetxattr: { fd: 1, structs: [PATH(2, 'name'), PATH(3, 'value')] },
  fixed_fd_install: { fd: 1, flags: 2 },
}));

/** The operation a call prepares: `read` for `io_uring_prep_read`. */
export function prepName(callee: string): string | undefined {
  const name = /^io_uring_prep_(\w+)$/.exec(callee)?.[1];
  return name === 'rw' ? undefined : name;
}
