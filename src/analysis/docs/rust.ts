/** The Rust crates, by crate and then by type and function: `File::read_at`, or a function's name alone. */
import type { ApiDoc, Docs } from './api-doc';
import { preparationDoc, uringDoc } from './uring';

const OWNED = 'The buffer goes into the operation and comes back with the result.';
const DROPPED = 'Dropping the future before its end does not stop the operation: what it read, or the connection it accepted, is lost.';
const SHORT = 'May do less than asked: use the number that comes back.';

const TOKIO_URING: Docs = {
  start: { does: 'Starts a current-thread runtime on a ring and runs the future on it.', since: 'Linux 5.11 is recommended', mistake: 'One blocking call stops every task and all completions.' },
  builder: { does: 'Builds a runtime with a ring of another size.' },
  uring_builder: { does: 'Builds the ring of a runtime: flags and sizes.' },
  spawn: { does: 'Runs a task on this thread\'s runtime; it need not be `Send`.', mistake: 'When `start` returns, unfinished tasks are dropped.' },
  no_op: { does: 'Does nothing on the ring: for measuring.' },
  Runtime: { does: 'A current-thread runtime on a ring.' },
  'fs::File': { does: 'A file whose operations run on the ring, with owned buffers.', mistake: 'Close it: dropping blocks and hides the error.' },
  'fs::OpenOptions': { does: 'How to open a file; `custom_flags(libc::O_DIRECT)` for direct I/O.' },
  'File::open': { does: 'Opens a file for reading on the ring.' },
  'File::create': { does: 'Opens a file for writing, creating or truncating it.' },
  'File::from_std': { does: 'Takes over a file of the standard library.' },
  read_at: { does: `Reads at an offset. ${OWNED}`, mistake: 'May read less than the buffer holds: use only the first `n` bytes.' },
  readv_at: { does: `Reads into several buffers at an offset. ${OWNED}`, mistake: SHORT },
  read_exact_at: { does: 'Reads until the buffer is full.' },
  read_fixed_at: { does: 'Reads into a registered buffer at an offset.', mistake: SHORT },
  write_at: { does: 'Builds a write at an offset; `.submit().await` runs it.', mistake: 'Without `.submit()` nothing is written. May write less than given: `write_all_at` goes on.' },
  writev_at: { does: `Writes several buffers at an offset. ${OWNED}`, mistake: SHORT },
  writev_at_all: { does: 'Writes all of several buffers at an offset.' },
  write_all_at: { does: 'Writes the whole buffer at an offset.' },
  write_fixed_at: { does: 'Writes a registered buffer at an offset.', mistake: SHORT },
  write_fixed_all_at: { does: 'Writes the whole of a registered buffer at an offset.' },
  write_fixed_all: { does: 'Writes the whole of a registered buffer.' },
  submit: { does: 'Puts a built operation on the ring; await it for result and buffer.' },
  sync_all: { does: 'fsync: data and metadata.' },
  sync_data: { does: 'fdatasync: data and the metadata that is needed to read it.' },
  fallocate: { does: 'Allocates or punches space of the file.' },
  close: { does: 'Closes the file and tells of errors.', mistake: 'Dropping a file closes it too, but blocks and hides the error.' },
  remove_file: { does: 'Removes a file on the ring.' },
  remove_dir: { does: 'Removes a folder on the ring.' },
  rename: { does: 'Renames a file on the ring.' },
  create_dir: { does: 'Makes a folder on the ring.' },
  create_dir_all: { does: 'Makes a folder and those above it.' },
  symlink: { does: 'Makes a symbolic link on the ring.' },
  statx: { does: 'Asks for a file\'s attributes on the ring.' },
  write: { does: 'Builds a write; `.submit().await` runs it.', mistake: 'Without `.submit()` nothing is written.' },
  write_all: { does: 'Writes the whole buffer.' },
  write_fixed: { does: 'Writes a registered buffer.', mistake: SHORT },
  writev: { does: `Writes several buffers. ${OWNED}`, mistake: SHORT },
  read: { does: `Reads. ${OWNED}`, mistake: DROPPED },
  read_fixed: { does: 'Reads into a registered buffer.', mistake: DROPPED },
  readv: { does: `Reads into several buffers. ${OWNED}`, mistake: DROPPED },
  accept: { does: 'Waits for a connection.', mistake: DROPPED },
  bind: { does: 'Binds a socket to an address.' },
  connect: { does: 'Connects.' },
  recv_from: { does: `Receives a datagram. ${OWNED}`, mistake: DROPPED },
  send_to: { does: `Sends a datagram. ${OWNED}` },
  recvmsg: { does: `Receives a message. ${OWNED}`, mistake: DROPPED },
  sendmsg: { does: `Sends a message. ${OWNED}` },
  sendmsg_zc: { does: `Sends a message without copying. ${OWNED}` },
  send_zc: { does: `Sends without copying. ${OWNED}` },
  shutdown: { does: 'Shuts the connection down.' },
  TcpStream: { does: 'A TCP connection on the ring.' },
  TcpListener: { does: 'A listening TCP socket on the ring.' },
  UdpSocket: { does: 'A UDP socket on the ring.' },
  UnixStream: { does: 'A Unix socket connection on the ring.' },
  UnixListener: { does: 'A listening Unix socket on the ring.' },
  BufResult: { does: 'The result, and the buffer that was lent.', mistake: 'The error in it is lost when only the buffer is looked at.' },
  UnsubmittedOneshot: { does: 'An operation that is built and not on the ring yet.', mistake: 'Nothing happens without `.submit()`.' },
  UnsubmittedWrite: { does: 'A write that is built and not on the ring yet.', mistake: 'Nothing is written without `.submit()`.' },
  IoBuf: { does: 'Memory that can be read by the kernel while it is lent.' },
  IoBufMut: { does: 'Memory that can be written by the kernel while it is lent.' },
  BoundedBuf: { does: 'A buffer or a slice of one.' },
  BoundedBufMut: { does: 'A buffer or a slice of one, to be written to.' },
  Slice: { does: 'Part of an owned buffer.' },
  FixedBuf: { does: 'A registered buffer that is checked out.' },
  FixedBufPool: { does: 'A pool of registered buffers.' },
  FixedBufRegistry: { does: 'Registered buffers by index.' },
};

const IO_URING: Docs = {
  IoUring: { does: 'A ring.', mistake: 'Dropping it does not wait for requests in flight: their buffers must outlive them.' },
  'IoUring::new': { does: 'Creates a ring with room for so many entries, a power of two.' },
  builder: { does: 'Builds a ring with flags.' },
  build: { does: 'Creates the ring as built.' },
  split: { does: 'Submitter and both queues, to be used at once.', mistake: 'The queues must be synced by hand: `sync` before a submission and before reading completions.' },
  submission: { does: 'The submission queue; synced when it is dropped.' },
  completion: { does: 'The completion queue; synced when it is dropped.' },
  submission_shared: { does: 'The submission queue through a shared reference.', mistake: 'Only one may be alive at a time.' },
  completion_shared: { does: 'The completion queue through a shared reference.', mistake: 'Only one may be alive at a time.' },
  submitter: { does: 'What submits and registers.' },
  params: { does: 'Sizes and features that the kernel told.' },
  submit: { does: 'Tells the kernel of the queued entries. Gives how many it took.', mistake: 'With split queues call `sync` first, or it sees nothing new.' },
  submit_and_wait: { does: 'Submits and waits for completions.', blocks: 'Until so many completions are there.', mistake: '`EINTR` on a signal.' },
  submit_with_args: { does: 'Submits and waits with a timeout or signal mask.', blocks: 'Until so many completions are there, or the time is over.', mistake: 'A timeout is the error `ETIME`.' },
  enter: { does: 'The system call itself.' },
  push: { does: 'Queues an entry.', mistake: 'Fails when the queue is full. Unsafe: what the entry points to must live until its completion.' },
  push_multiple: { does: 'Queues several entries, or none.', mistake: 'What the entries point to must live until their completions.' },
  sync: { does: 'Makes what was pushed, or what arrived, seen by the other side.' },
  need_wakeup: { does: 'Whether the SQPOLL thread sleeps.' },
  is_full: { does: 'Whether the queue has no room.' },
  is_empty: { does: 'Whether the queue has nothing.' },
  len: { does: 'How many entries the queue holds.' },
  capacity: { does: 'How many entries the queue can hold.' },
  next: { does: 'Takes the next completion.' },
  fill: { does: 'Takes completions into an array.' },
  overflow: { does: 'How many completions were dropped.' },
  dropped: { does: 'How many entries were refused.' },
  cq_overflow: { does: 'Whether completions wait in the kernel.' },
  taskrun: { does: 'Whether completion work waits for this thread.' },
  result: { does: 'The result, or a negative error number.', mistake: 'Negative means an error; nothing turns it into an `Err`.' },
  user_data: { does: 'The number that comes back with the completion.' },
  flags: { does: 'Flags of the entry.' },
  more: { does: 'Whether more completions of this request will come.' },
  notif: { does: 'Whether a zero-copy send has let its buffer go.' },
  buffer_select: { does: 'The id of the buffer that the kernel picked.' },
  sock_nonempty: { does: 'Whether there was more to read on the socket.' },
  buffer_more: { does: 'Whether the buffer is used up only in part.' },
  dontfork: { does: 'Keeps the ring\'s memory out of child processes.' },
  Entry: { does: 'An entry of a queue.' },
  Entry128: { does: 'A submission entry of 128 bytes.' },
  Entry32: { does: 'A completion of 32 bytes.' },
  Flags: { does: 'Flags of a submission entry, such as `IO_LINK`.', mistake: '`flags()` replaces those that were set before.' },
  PushError: { does: 'The queue was full.' },
  SubmissionQueue: { does: 'Entries on their way to the kernel.' },
  CompletionQueue: { does: 'Completions.' },
  Submitter: { does: 'What submits and registers.' },
  Builder: { does: 'Builds a ring with flags.' },
  Probe: { does: 'Which operations the kernel supports.' },
  Restriction: { does: 'One thing that a restricted ring may do.' },
  Fd: { does: 'A plain descriptor.', mistake: 'Keep the file open until the completion.' },
  Fixed: { does: 'A registered file, by index.' },
  Timespec: { does: 'A time; its address goes into the entry.', mistake: 'It has to live until the submission, with SQPOLL until the completion.' },
  OpenHow: { does: 'How to open a file.' },
  SubmitArgs: { does: 'Timeout and signal mask of a wait.' },
  DestinationSlot: { does: 'The registered slot that a request fills.' },
  CancelBuilder: { does: 'Which requests are cancelled.' },
  RecvMsgOut: { does: 'The header in the buffer of a multishot recvmsg.' },
  BufRingEntry: { does: 'A buffer in a ring of buffers.' },
};

const TOKIO: Docs = {
  main: { does: 'Runs an async `main` on a runtime.' },
  test: { does: 'Runs an async test on a runtime.' },
  spawn: { does: 'Runs a task on the runtime.', mistake: 'A blocking call in it stops the others of its thread.' },
  spawn_blocking: { does: 'Runs a closure on a thread for blocking work.', mistake: 'Cannot be cancelled once it runs.' },
  block_in_place: { does: 'Lets the other tasks move away while this one blocks.' },
  block_on: { does: 'Runs a future to its end on this thread.', blocks: 'Until it is done.', mistake: 'Panics inside a runtime.' },
  'fs::File': { does: 'A file whose operations run on threads for blocking work.', mistake: 'No kernel asynchrony: each call is a hop to a thread. Flush before dropping after a write.' },
  'fs::OpenOptions': { does: 'How to open a file, on a thread for blocking work.', mistake: '`O_DIRECT` does not work: the buffer in between is not aligned.' },
  select: { does: 'Runs several branches until one is done; the others are dropped.', mistake: 'Dropping a branch halfway loses what it did unless it is safe to cancel.' },
  timeout: { does: 'Drops a future when its time is over.', mistake: 'Work on another thread goes on.' },
  sleep: { does: 'Waits for a time without holding the thread.' },
  copy: { does: 'Copies everything from a reader to a writer.', mistake: 'Flush or shut down the writer afterwards.' },
  AsyncReadExt: { does: 'Reading methods on readers.' },
  AsyncWriteExt: { does: 'Writing methods on writers.' },
  AsyncRead: { does: 'Something that is read without blocking.' },
  AsyncWrite: { does: 'Something that is written without blocking.' },
  BufWriter: { does: 'Collects small writes.', mistake: 'Dropping it loses what was not flushed.' },
  BufReader: { does: 'Reads in big pieces.' },
  AsyncFd: { does: 'Waits for readiness of any descriptor.', mistake: 'Regular files are refused.' },
  Runtime: { does: 'Threads, reactor and timers.' },
};

const RUNTIMES: Record<'monoio' | 'glommio' | 'compio', Docs> = {
  monoio: {
    main: { does: 'Runs an async `main` on a thread with its own ring.', mistake: 'Timers panic unless `timer_enabled = true`.' },
    test: { does: 'Runs an async test on a ring.', mistake: 'Timers panic unless `timer_enabled = true`.' },
    test_all: { does: 'Runs an async test on every driver.' },
    start: { does: 'Runs a future on a thread with its own driver.' },
    spawn: { does: 'Runs a task on this thread; it need not be `Send`.' },
    select: { does: 'Runs several branches until one is done; the others are dropped.', mistake: DROPPED },
    RuntimeBuilder: { does: 'Builds a runtime.', mistake: 'Timers panic without `enable_timer`.' },
    enable_timer: { does: 'Gives the runtime timers.' },
    with_entries: { does: 'How big the ring is.' },
    IoUringDriver: { does: 'Does I/O on a ring.' },
    FusionDriver: { does: 'Does I/O on a ring, or by readiness where there is none.' },
    LegacyDriver: { does: 'Does I/O by readiness.' },
    sleep: { does: 'Waits for a time.', mistake: 'Panics without timers.' },
    timeout: { does: 'Drops a future when its time is over.', mistake: `Panics without timers. ${DROPPED}` },
    interval: { does: 'Ticks.', mistake: 'Panics without timers.' },
    Canceller: { does: 'Cancels operations that were given its handle, and waits for them.' },
    Splitable: { does: 'Splits a stream into its two directions.' },
    AsyncReadRent: { does: `Reading. ${OWNED}` },
    AsyncWriteRent: { does: `Writing. ${OWNED}` },
    AsyncReadRentExt: { does: `Reading whole buffers. ${OWNED}` },
    AsyncWriteRentExt: { does: `Writing whole buffers. ${OWNED}` },
    CancelableAsyncReadRent: { does: 'Reading that can be cancelled.' },
    CancelableAsyncWriteRent: { does: 'Writing that can be cancelled.' },
    copy: { does: 'Copies everything from a reader to a writer.' },
    splice: { does: 'Moves data inside the kernel.' },
    File: { does: 'A file on the ring, with owned buffers.' },
  },
  glommio: {
    LocalExecutor: { does: 'Runs tasks on one thread, with its own rings.' },
    LocalExecutorBuilder: { does: 'Builds the executor of a thread.' },
    LocalExecutorPoolBuilder: { does: 'Builds an executor for each of several threads.' },
    spawn_local: { does: 'Runs a task on this thread.', mistake: 'A dropped task is cancelled: await or detach it.' },
    Placement: { does: 'Which CPU a thread is bound to.' },
    DmaFile: { does: 'A file past the page cache.', mistake: 'Close it: dropping closes in the background and hides the error.' },
    BufferedFile: { does: 'A file through the page cache.' },
    ImmutableFile: { does: 'A file that is written once and then only read.' },
    OpenOptions: { does: 'How to open a file.' },
    DmaStreamReaderBuilder: { does: 'Reads a file past the page cache in order, ahead of the reader.' },
    DmaStreamWriterBuilder: { does: 'Writes a file past the page cache in order.', mistake: 'Close it, or its end is lost.' },
    DmaBuffer: { does: 'An aligned buffer.' },
    ReadResult: { does: 'What was read, without a copy.' },
    read_at: { does: 'Reads at any offset; alignment is taken care of.', mistake: SHORT },
    read_at_aligned: { does: 'Reads at an aligned offset.', mistake: 'Offset and length must be aligned.' },
    write_at: { does: 'Writes an aligned buffer at an aligned offset.', mistake: SHORT },
    alloc_dma_buffer: { does: 'Allocates a buffer that is aligned for this file.' },
    fdatasync: { does: 'fdatasync.' },
    Timer: { does: 'A point in time to be waited for.' },
    GlommioError: { does: 'What went wrong.' },
  },
  compio: {
    main: { does: 'Runs an async `main` on a runtime.' },
    test: { does: 'Runs an async test on a runtime.' },
    Runtime: { does: 'A runtime of one thread, on a ring where there is one.' },
    spawn: { does: 'Runs a task on this thread.', mistake: 'A dropped handle cancels it: await or detach it.' },
    spawn_blocking: { does: 'Runs a closure on a thread for blocking work.' },
    AsyncRead: { does: `Reading. ${OWNED}` },
    AsyncReadAt: { does: `Reading at an offset. ${OWNED}` },
    AsyncReadExt: { does: 'Reading whole buffers.' },
    AsyncReadAtExt: { does: 'Reading whole buffers at an offset.' },
    AsyncWrite: { does: `Writing. ${OWNED}` },
    AsyncWriteAt: { does: `Writing at an offset. ${OWNED}` },
    AsyncWriteExt: { does: 'Writing whole buffers.' },
    AsyncWriteAtExt: { does: 'Writing whole buffers at an offset.' },
    File: { does: 'A file on the runtime, with owned buffers.', mistake: 'Await `close`, or it does not happen.' },
    close: { does: 'Closes the file.', mistake: 'Does nothing unless it is awaited.' },
    BufResult: { does: 'The result, and the buffer that was lent.' },
  },
};

/** Names that mean the same in all the runtimes with owned buffers. */
const SHARED: Docs = {
  ...Object.fromEntries(['TcpStream', 'TcpListener', 'UdpSocket', 'UnixStream', 'UnixListener', 'IoBuf', 'IoBufMut', 'BufResult', 'accept', 'connect', 'bind', 'read', 'write', 'write_all', 'write_all_at', 'read_at', 'write_at', 'read_exact_at', 'sync_all', 'sync_data', 'rename', 'remove_file', 'recv_from', 'send_to', 'shutdown']
    .map((name) => [name, withoutSubmit(TOKIO_URING[name]!)])),
  IoVecBuf: { does: 'Several buffers that are lent at once.' },
  IoVectoredBuf: { does: 'Several buffers that are lent at once.' },
  OpenOptions: { does: 'How to open a file.' },
  'File::open': { does: 'Opens a file for reading.' },
  'File::create': { does: 'Opens a file for writing, creating or truncating it.' },
  read_exact: { does: 'Reads until the buffer is full.' },
  close: { does: 'Closes it and tells of errors.' },
};
/** Only tokio-uring wants `.submit()`. */
function withoutSubmit(doc: ApiDoc): ApiDoc {
  return /submit/.test(`${doc.does}${doc.mistake ?? ''}`) ? { does: `Writes. ${OWNED}`, mistake: SHORT } : doc;
}

const BY_CRATE: Record<string, Docs[]> = {
  tokio: [TOKIO], tokio_uring: [TOKIO_URING], io_uring: [IO_URING], monoio: [RUNTIMES.monoio, SHARED], glommio: [RUNTIMES.glommio, SHARED], compio: [RUNTIMES.compio, SHARED],
};
/** What a module says when the thing in it has no text of its own. */
const MODULES: Docs = {
  'tokio::fs': { does: 'Files through threads for blocking work: each call is a hop to one.', mistake: 'Many small operations are slower than one `spawn_blocking` around all of them.' },
  'tokio::net': { does: 'Sockets by readiness (epoll).' },
  'tokio::time': { does: 'Timers of the runtime.' },
  'tokio::io': { does: 'Reading and writing without blocking.' },
  'tokio::task': { does: 'Tasks of the runtime.' },
  'tokio::runtime': { does: 'Threads, reactor and timers.' },
  'tokio::sync': { does: 'Locks and channels that wait without blocking the thread.' },
  'tokio_uring::fs': { does: 'Files on the ring, with owned buffers.' },
  'tokio_uring::net': { does: 'Sockets on the ring, with owned buffers.' },
  'tokio_uring::buf': { does: 'Buffers that can be lent to the kernel.' },
  'io_uring::opcode': { does: 'One type for each operation; `build` makes an entry of it.' },
  'io_uring::types': { does: 'What entries are made of.' },
  'io_uring::squeue': { does: 'The submission queue.' },
  'io_uring::cqueue': { does: 'The completion queue.' },
  'io_uring::register': { does: 'Things that are registered with a ring.' },
};
const CRATES: Docs = {
  tokio: { does: 'A runtime by readiness; files go to threads.' },
  tokio_uring: { does: 'tokio on a ring: one thread, owned buffers.' },
  io_uring: { does: 'The ring itself, with little on top.' },
  monoio: { does: 'A runtime with a ring for each thread.' },
  glommio: { does: 'A runtime with rings for each thread, for direct I/O.' },
  compio: { does: 'A runtime by completion, on io_uring and elsewhere.' },
};

/** The text for a full path, the most exact first: type and function, function, module, crate. */
export function rustDoc(path: string): ApiDoc | undefined {
  const parts = path.split('::');
  const crate = parts[0]!.replace(/^compio_(\w+)$/, 'compio');
  const last = parts.at(-1)!;
  if (crate === 'io_uring') {
    const opcode = parts.indexOf('opcode');
    const named = opcode < 0 ? undefined : parts[opcode + 1];
    const doc = named && preparationDoc(opcodeName(named));
    if (doc) return doc;
    const setup = /^(setup|register|unregister)_(\w+)$/.exec(last);
    if (setup) return crateSetup(setup[1]!, setup[2]!);
  }
  for (const docs of BY_CRATE[crate] ?? []) {
    for (const name of [parts.slice(-2).join('::'), last]) if (Object.hasOwn(docs, name)) return docs[name];
  }
  for (let n = parts.length - 1; n > 1; n--) {
    const module = [crate, ...parts.slice(1, n)].join('::');
    if (Object.hasOwn(MODULES, module)) return MODULES[module];
  }
  // a method of a type that has a text
  for (const docs of BY_CRATE[crate] ?? []) {
    const type = parts.at(-2) ?? '';
    const name = [parts.slice(-3, -1).join('::'), type].find((n) => Object.hasOwn(docs, n));
    if (name !== undefined) return docs[name];
  }
  return MODULES[path] ?? (Object.hasOwn(CRATES, crate) ? CRATES[crate] : undefined);
}

/** `ReadFixed` → `read_fixed`; where the crate has another word, the preparation's. */
function opcodeName(type: string): string {
  const other: Record<string, string> = {
    AsyncCancel: 'cancel', AsyncCancel2: 'cancel', RecvMulti: 'recv_multishot', RecvMsgMulti: 'recvmsg_multishot', AcceptMulti: 'multishot_accept', OpenAt: 'openat', OpenAt2: 'openat2',
    RenameAt: 'renameat', UnlinkAt: 'unlinkat', MkDirAt: 'mkdirat', SymlinkAt: 'symlinkat', LinkAt: 'linkat', SendMsg: 'sendmsg', RecvMsg: 'recvmsg', SendMsgZc: 'sendmsg_zc',
    FilesUpdate: 'files_update', UringCmd16: 'uring_cmd', UringCmd80: 'uring_cmd128', MsgRingData: 'msg_ring', MsgRingSendFd: 'msg_ring_fd', ReadMulti: 'read_multishot', RecvBundle: 'recv', RecvMultiBundle: 'recv_multishot',
    SendBundle: 'send_bundle', WaitId: 'waitid', Fsync: 'fsync', Fadvise: 'fadvise', Madvise: 'madvise', Statx: 'statx', FSetXattr: 'fsetxattr', SetXattr: 'setxattr', FGetXattr: 'fgetxattr', GetXattr: 'getxattr',
  };
  return other[type] ?? type.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
function crateSetup(kind: string, what: string): ApiDoc {
  if (kind === 'setup') return uringDoc(`IORING_SETUP_${what.toUpperCase()}`) ?? { does: `Builds the ring with ${what.replaceAll('_', ' ')}.` };
  return uringDoc(`io_uring_${kind}_${what}`) ?? { does: `${kind === 'register' ? 'Registers' : 'Undoes the registration of'} ${what.replaceAll('_', ' ')} with the ring.` };
}
