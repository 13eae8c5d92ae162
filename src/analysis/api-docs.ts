/** What a hover on a recognised call, type or flag says, in our own words. */
import type { Family } from '../protocol/analysis';

export interface ApiDoc {
  /** what it does */
  does: string;
  /** first kernel, and library where that matters */
  since?: string;
  /** what it waits for */
  blocks?: string;
  /** what people get wrong */
  mistake?: string;
}

type Docs = Record<string, ApiDoc>;

const LIBAIO: Docs = {
  io_setup: {
    does: 'Creates an aio context that takes up to `nr` requests at once. The handle must be zero before the call.',
    since: 'Linux 2.5', mistake: 'Returns a negative error number and leaves `errno` alone; `-EAGAIN` means that `fs.aio-max-nr` is used up.',
  },
  io_destroy: { does: 'Cancels what can be cancelled, waits for the rest, and frees the context.', since: 'Linux 2.5', blocks: 'Waits for the requests in flight.' },
  io_submit: {
    does: 'Hands `nr` iocbs to the kernel. Returns how many were taken, or a negative error number if the first was refused.', since: 'Linux 2.5',
    blocks: 'Does the whole transfer before it returns when the file was opened without `O_DIRECT`; may also wait for file system metadata and for a free request.',
    mistake: 'Fewer than `nr` may be taken; the rest never complete unless they are submitted again.',
  },
  io_getevents: {
    does: 'Collects between `min_nr` and `nr` finished requests.', since: 'Linux 2.5', blocks: 'Until `min_nr` events are there, the timeout is over, or a signal arrives.',
    mistake: 'May return fewer than `min_nr`. `res` of the event is unsigned: cast it before testing for an error.',
  },
  io_pgetevents: { does: '`io_getevents` with a signal mask that holds during the wait.', since: 'Linux 4.18', blocks: 'As `io_getevents`.' },
  io_cancel: { does: 'Asks to cancel one request. Hardly any file type supports it.', since: 'Linux 2.5', mistake: 'On current kernels the event still arrives through `io_getevents`.' },
  io_prep_pread: { does: 'Fills an iocb for a read at an offset. Clears the whole iocb first.', mistake: 'Asynchronous only on files opened with `O_DIRECT`; buffer, length and offset must then be aligned.' },
  io_prep_pwrite: { does: 'Fills an iocb for a write at an offset. Clears the whole iocb first.', mistake: 'A write that extends the file completes inside `io_submit` even with `O_DIRECT`.' },
  io_prep_preadv: { does: 'Fills an iocb for a vectored read at an offset.', mistake: 'The iovec array must stay valid until the event arrives.' },
  io_prep_pwritev: { does: 'Fills an iocb for a vectored write at an offset.', mistake: 'The iovec array must stay valid until the event arrives.' },
  io_prep_poll: { does: 'Fills an iocb that completes when the descriptor is ready.', since: 'Linux 4.18' },
  io_prep_fsync: { does: 'Fills an iocb for an fsync.', since: 'Linux 4.18', mistake: 'Nothing orders it behind writes in flight: wait for those first.' },
  io_prep_fdsync: { does: 'Fills an iocb for an fdatasync.', since: 'Linux 4.18', mistake: 'Nothing orders it behind writes in flight: wait for those first.' },
  io_set_eventfd: { does: 'Signals an eventfd when the request completes.', since: 'Linux 2.6.22', mistake: 'Must come after `io_prep_*`, which clears the iocb.' },
  io_set_callback: { does: 'Stores a callback in the iocb\'s `data`.', mistake: 'Shares the field with `data`: the later assignment wins.' },
  io_context_t: { does: 'Handle of an aio context; a pointer type that must be zero before `io_setup`.' },
  iocb: { does: 'One request. The kernel copies it during `io_submit`; the data buffer must live until the event arrives.' },
  io_event: { does: 'One finished request: `data` and `obj` say which, `res` how it went.', mistake: '`res` is `unsigned long` here: an error looks like a huge number.' },
};

const LIBURING: Docs = {
  io_uring_queue_init: {
    does: 'Creates a ring with room for `entries` sqes (rounded up to a power of two) and twice as many cqes.', since: 'Linux 5.1',
    mistake: 'Returns a negative error number, not -1 with `errno`. `-ENOSYS` and `-EPERM` are common in containers: have another way.',
  },
  io_uring_queue_init_params: { does: 'Creates a ring with flags and sizes from `struct io_uring_params`, and tells the kernel\'s features in it.', since: 'Linux 5.1', mistake: 'The structure must be zeroed first.' },
  io_uring_queue_exit: { does: 'Unmaps and closes the ring.', mistake: 'Does not wait for requests in flight: their buffers may still be written to.' },
  io_uring_get_sqe: { does: 'Gives the next free sqe of the submission queue.', mistake: 'Returns NULL when the queue is full: submit and try again, or give up.' },
  io_uring_submit: {
    does: 'Tells the kernel of all queued sqes. Returns how many were submitted, or a negative error number.', since: 'Linux 5.1',
    blocks: 'Operations that cannot block are tried at once inside the call; the rest go on in the background.',
    mistake: 'May submit fewer than were queued: submission stops at the first sqe that is refused.',
  },
  io_uring_submit_and_wait: { does: 'Submits and waits for `wait_nr` completions in one system call.', since: 'Linux 5.1', blocks: 'Until that many cqes are there.' },
  io_uring_wait_cqe: { does: 'Gives the next cqe, waiting for one if need be. Does not take it off the queue.', blocks: 'Until a completion arrives; for ever when nothing was submitted.', mistake: 'Returns `-EINTR` on a signal. Needs `io_uring_cqe_seen` afterwards.' },
  io_uring_wait_cqe_timeout: { does: 'Waits for a cqe for a limited time.', blocks: 'Up to the timeout.', mistake: 'On kernels before 5.11 it queues a timeout request of its own and submits the queue.' },
  io_uring_peek_cqe: { does: 'Gives the next cqe if there is one, else `-EAGAIN`.', mistake: 'A loop around it alone spins a core.' },
  io_uring_peek_batch_cqe: { does: 'Gives up to `count` cqes that are there already.' },
  io_uring_cqe_seen: { does: 'Takes one cqe off the queue; its memory may be reused at once.', mistake: 'Read `res` and `user_data` before it, not after.' },
  io_uring_cq_advance: { does: 'Takes `nr` cqes off the queue.', mistake: 'Not together with `io_uring_cqe_seen` for the same cqes.' },
  io_uring_for_each_cqe: { does: 'Loops over the cqes that are there, without taking them off.', mistake: 'Needs `io_uring_cq_advance` with the count afterwards.' },
  io_uring_prep_read: { does: 'Fills an sqe for a read at an offset; offset -1 uses the file\'s position.', since: 'Linux 5.6', mistake: 'A short read is no error: look at `cqe->res`.' },
  io_uring_prep_write: { does: 'Fills an sqe for a write at an offset; offset -1 uses the file\'s position.', since: 'Linux 5.6', mistake: 'A short write is no error: look at `cqe->res`.' },
  io_uring_prep_readv: { does: 'Fills an sqe for a vectored read.', since: 'Linux 5.1' },
  io_uring_prep_writev: { does: 'Fills an sqe for a vectored write.', since: 'Linux 5.1' },
  io_uring_prep_fsync: { does: 'Fills an sqe for an fsync.', since: 'Linux 5.1', mistake: 'Runs beside queued writes unless they are linked before it.' },
  io_uring_prep_accept: { does: 'Fills an sqe that accepts one connection.', since: 'Linux 5.5' },
  io_uring_prep_multishot_accept: { does: 'One sqe that accepts connections until it ends.', since: 'Linux 5.19', mistake: 'When a cqe lacks `IORING_CQE_F_MORE` it has ended and must be queued again.' },
  io_uring_prep_recv: { does: 'Fills an sqe for a receive.', since: 'Linux 5.6' },
  io_uring_prep_send: { does: 'Fills an sqe for a send.', since: 'Linux 5.6', mistake: 'Two sends in flight on one stream may be reordered after a short send.' },
  io_uring_prep_send_zc: { does: 'Sends without copying the buffer.', since: 'Linux 6.0', mistake: 'Posts two cqes; the buffer is free only after the one with `IORING_CQE_F_NOTIF`.' },
  io_uring_prep_nop: { does: 'Fills an sqe that does nothing and completes.', since: 'Linux 5.1' },
  io_uring_prep_cancel: { does: 'Fills an sqe that cancels another by its user data.', since: 'Linux 5.5', mistake: 'Both the cancel and its target post a cqe.' },
  io_uring_prep_timeout: { does: 'Fills an sqe that completes after a time or a number of completions.', since: 'Linux 5.4' },
  io_uring_prep_link_timeout: { does: 'Limits the time of the linked sqe before it.', since: 'Linux 5.5', mistake: 'The sqe before it needs `IOSQE_IO_LINK`.' },
  io_uring_sqe_set_data: { does: 'Sets the pointer that comes back in the cqe.', mistake: 'Before liburing 2.2 the prep helpers cleared it: call it after them.' },
  io_uring_sqe_set_data64: { does: 'Sets the number that comes back in the cqe.', since: 'liburing 2.2' },
  io_uring_sqe_set_flags: { does: 'Sets `IOSQE_*` flags.', mistake: 'Replaces all flags that were set before.' },
  io_uring_register_buffers: { does: 'Pins buffers once, for the `*_fixed` operations.', since: 'Linux 5.1', mistake: 'Counts against `RLIMIT_MEMLOCK`.' },
  io_uring_register_files: { does: 'Registers descriptors, to be named by index with `IOSQE_FIXED_FILE`.', since: 'Linux 5.1' },
  io_uring_sq_space_left: { does: 'How many sqes are free.' },
  io_uring_sq_ready: { does: 'How many queued sqes the kernel has not taken yet.' },
  io_uring: { does: 'A ring: both queues and their mappings.', mistake: 'Must not be copied by value, and not be used by two threads without a lock.' },
  io_uring_sqe: { does: 'A submission queue entry: one request.' },
  io_uring_cqe: { does: 'A completion queue entry: `res` is the result or a negative error number.', mistake: 'Lives only until `io_uring_cqe_seen`.' },
  io_uring_params: { does: 'Flags and sizes asked for, and features given back.', mistake: 'Zero it first.' },
  IORING_SETUP_SQPOLL: { does: 'A kernel thread watches the submission queue, so that submitting needs no system call while it is awake.', since: 'Linux 5.1; without privileges 5.13', mistake: 'Still call `io_uring_submit`: it wakes the thread. The thread takes a core while it is busy.' },
  IORING_SETUP_IOPOLL: { does: 'Completions are found by polling the device.', since: 'Linux 5.1', mistake: 'Only for files opened with `O_DIRECT` on devices with poll queues.' },
  IORING_SETUP_SINGLE_ISSUER: { does: 'Promises that only one task submits.', since: 'Linux 6.0' },
  IORING_SETUP_DEFER_TASKRUN: { does: 'Runs completion work only when the task waits for events.', since: 'Linux 6.1', mistake: 'Needs `IORING_SETUP_SINGLE_ISSUER`.' },
  IORING_SETUP_COOP_TASKRUN: { does: 'Completion work does not interrupt the task.', since: 'Linux 5.19' },
  IORING_SETUP_SUBMIT_ALL: { does: 'Goes on submitting after an sqe that is refused.', since: 'Linux 5.18' },
  IORING_SETUP_CQSIZE: { does: 'The completion queue gets the size in `cq_entries`.', since: 'Linux 5.5' },
  IORING_SETUP_CLAMP: { does: 'Sizes that are too big are cut instead of refused.', since: 'Linux 5.6' },
  IOSQE_IO_LINK: { does: 'The next sqe starts when this one has succeeded.', since: 'Linux 5.3', mistake: 'A short transfer breaks the chain as an error does.' },
  IOSQE_IO_HARDLINK: { does: 'The next sqe starts when this one has ended, however it ended.', since: 'Linux 5.5' },
  IOSQE_IO_DRAIN: { does: 'Starts when all earlier requests have ended.', since: 'Linux 5.2', mistake: 'Slows the whole ring down.' },
  IOSQE_FIXED_FILE: { does: 'The descriptor is an index into the registered files.', since: 'Linux 5.1' },
  IOSQE_ASYNC: { does: 'Goes straight to a worker thread.', since: 'Linux 5.6' },
  IOSQE_BUFFER_SELECT: { does: 'The kernel picks a buffer of the group when data is there.', since: 'Linux 5.7' },
  IOSQE_CQE_SKIP_SUCCESS: { does: 'Posts no cqe unless it fails.', since: 'Linux 5.17' },
};

const TOKIO_URING: Docs = {
  start: { does: 'Starts a current-thread runtime on a ring and runs the future on it.', since: 'Linux 5.11 is recommended', mistake: 'One blocking call stops every task and all completions.' },
  spawn: { does: 'Runs a task on this thread\'s runtime; it need not be `Send`.' },
  read_at: { does: 'Reads at an offset into an owned buffer; gives back the result and the buffer.', mistake: 'May read less than the buffer holds: use only the first `n` bytes.' },
  read_exact_at: { does: 'Reads until the buffer is full.' },
  write_at: { does: 'Builds a write at an offset; `.submit().await` runs it.', mistake: 'Without `.submit()` nothing is written. May write less than given: `write_all_at` goes on.' },
  write_all_at: { does: 'Writes the whole buffer at an offset.' },
  submit: { does: 'Puts a built operation on the ring; await it for result and buffer.' },
  sync_all: { does: 'fsync: data and metadata.' },
  sync_data: { does: 'fdatasync: data and the metadata that is needed to read it.' },
  close: { does: 'Closes the file and tells of errors.', mistake: 'Dropping a file closes it too, but blocks and hides the error.' },
  open: { does: 'Opens a file for reading on the ring.' },
  create: { does: 'Opens a file for writing, creating or truncating it.' },
  write: { does: 'Builds a write; `.submit().await` runs it.', mistake: 'Without `.submit()` nothing is written.' },
  write_all: { does: 'Writes the whole buffer.' },
  read: { does: 'Reads into an owned buffer; gives back the result and the buffer.', mistake: 'Dropping the future loses what was read.' },
  accept: { does: 'Waits for a connection.' },
  File: { does: 'A file whose operations run on the ring, with owned buffers.' },
  OpenOptions: { does: 'How to open a file; `custom_flags(libc::O_DIRECT)` for direct I/O.' },
  TcpStream: { does: 'A TCP connection on the ring.' },
  TcpListener: { does: 'A listening TCP socket on the ring.' },
};

/** Names of other headers that matter where one of these families is used. */
const NEIGHBOURS: Docs = {
  O_DIRECT: { does: 'Transfers go between the device and the buffer, past the page cache.', since: 'Linux 2.4.10', mistake: 'Buffer address, length and offset must be aligned, to 4096 bytes on every device; in C it needs `_GNU_SOURCE`.' },
  posix_memalign: { does: 'Allocates memory at an aligned address.', mistake: 'Returns the error number and leaves `errno` alone.' },
  aligned_alloc: { does: 'Allocates memory at an aligned address.', mistake: 'The alignment must be a power of two, the size a multiple of it.' },
  RWF_NOWAIT: { does: 'Fails with `EAGAIN` instead of waiting.', since: 'Linux 4.14' },
};

const BY_FAMILY: Partial<Record<Family, Docs>> = { libaio: LIBAIO, liburing: LIBURING, 'raw-io-uring': LIBURING, 'tokio-uring': TOKIO_URING };
const DIRECT_IO: Family[] = ['libaio', 'liburing', 'raw-aio', 'raw-io-uring', 'posix-aio'];

/** The text for an API of a family, by its last name; undefined where there is none. */
export function apiDoc(family: Family, api: string): ApiDoc | undefined {
  const docs = BY_FAMILY[family];
  const name = api.replace(/^.*::/, '');
  return docs && Object.hasOwn(docs, name) ? docs[name] : undefined;
}
/** The text for a name that is no API of a family, in a file that uses these families. */
export function neighbourDoc(name: string, families: Family[]): ApiDoc | undefined {
  return families.some((f) => DIRECT_IO.includes(f)) && Object.hasOwn(NEIGHBOURS, name) ? NEIGHBOURS[name] : undefined;
}
