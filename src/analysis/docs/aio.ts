/** libaio, the system calls below it, and POSIX AIO. */
import type { Docs } from './api-doc';

const IOVEC = 'The iovec array must stay valid until the event arrives.';
const CLEARS = 'Clears the whole iocb first.';

export const LIBAIO: Docs = {
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
  io_queue_init: { does: '`io_setup`, with the handle zeroed before.', mistake: 'Returns a negative error number.' },
  io_queue_release: { does: '`io_destroy` by its older name.', blocks: 'Waits for the requests in flight.' },
  io_queue_run: { does: 'Takes the events that are there and calls their callbacks.', mistake: 'Every iocb needs a callback: `io_set_callback`.' },
  io_queue_wait: { does: 'Waits until an event is there.', mistake: 'Not in current versions of the library.' },
  io_queue_grow: { does: 'Meant to make a context bigger; never implemented.' },
  io_prep_pread: { does: `Fills an iocb for a read at an offset. ${CLEARS}`, mistake: 'Asynchronous only on files opened with `O_DIRECT`; buffer, length and offset must then be aligned.' },
  io_prep_pwrite: { does: `Fills an iocb for a write at an offset. ${CLEARS}`, mistake: 'A write that extends the file completes inside `io_submit` even with `O_DIRECT`.' },
  io_prep_preadv: { does: 'Fills an iocb for a vectored read at an offset.', mistake: IOVEC },
  io_prep_pwritev: { does: 'Fills an iocb for a vectored write at an offset.', mistake: IOVEC },
  io_prep_preadv2: { does: 'Fills an iocb for a vectored read with `RWF_*` flags.', since: 'Linux 4.13', mistake: IOVEC },
  io_prep_pwritev2: { does: 'Fills an iocb for a vectored write with `RWF_*` flags.', since: 'Linux 4.13', mistake: IOVEC },
  io_prep_poll: { does: 'Fills an iocb that completes when the descriptor is ready.', since: 'Linux 4.18' },
  io_prep_fsync: { does: 'Fills an iocb for an fsync.', since: 'Linux 4.18', mistake: 'Nothing orders it behind writes in flight: wait for those first.' },
  io_prep_fdsync: { does: 'Fills an iocb for an fdatasync.', since: 'Linux 4.18', mistake: 'Nothing orders it behind writes in flight: wait for those first.' },
  io_poll: { does: 'Prepares and submits a poll with a callback.', since: 'Linux 4.18' },
  io_fsync: { does: 'Prepares and submits an fsync with a callback.', since: 'Linux 4.18' },
  io_fdsync: { does: 'Prepares and submits an fdatasync with a callback.', since: 'Linux 4.18' },
  io_set_eventfd: { does: 'Signals an eventfd when the request completes.', since: 'Linux 2.6.22', mistake: 'Must come after `io_prep_*`, which clears the iocb.' },
  io_set_callback: { does: 'Stores a callback in the iocb\'s `data`.', mistake: 'Shares the field with `data`: the later assignment wins.' },
  io_context_t: { does: 'Handle of an aio context; a pointer type that must be zero before `io_setup`.' },
  io_callback_t: { does: 'What `io_queue_run` calls for an event: context, iocb, `res`, `res2`.' },
  iocb: { does: 'One request. The kernel copies it during `io_submit`; the data buffer must live until the event arrives.' },
  io_event: { does: 'One finished request: `data` and `obj` say which, `res` how it went.', mistake: '`res` is `unsigned long` here: an error looks like a huge number.' },
  IO_CMD_PREAD: { does: 'Reads at an offset.' },
  IO_CMD_PWRITE: { does: 'Writes at an offset.' },
  IO_CMD_FSYNC: { does: 'fsync.', since: 'Linux 4.18' },
  IO_CMD_FDSYNC: { does: 'fdatasync.', since: 'Linux 4.18' },
  IO_CMD_POLL: { does: 'Completes when the descriptor is ready.', since: 'Linux 4.18' },
  IO_CMD_NOOP: { does: 'Refused by the kernel.' },
  IO_CMD_PREADV: { does: 'Reads into several buffers.', mistake: IOVEC },
  IO_CMD_PWRITEV: { does: 'Writes several buffers.', mistake: IOVEC },
};

const CALL_MISTAKE = 'Through `syscall` it returns -1 and sets `errno`, unlike libaio\'s function of that name.';
export const RAW_AIO: Docs = {
  ...Object.fromEntries(['setup', 'destroy', 'submit', 'getevents', 'pgetevents', 'cancel'].map((name) => [`io_${name}`, { ...LIBAIO[`io_${name}`]!, mistake: CALL_MISTAKE }])),
  aio_context_t: { does: 'Handle of an aio context; must be zero before `io_setup`.' },
  iocb: { does: 'One request, as the kernel defines it. The data buffer must live until the event arrives.', mistake: 'Zero it first: `aio_flags`, `aio_rw_flags` and the reserved fields are looked at.' },
  io_event: { does: 'One finished request; `res` is signed here, a negative error number or a count.' },
  ...Object.fromEntries(['PREAD', 'PWRITE', 'FSYNC', 'FDSYNC', 'POLL', 'NOOP', 'PREADV', 'PWRITEV'].map((name) => [`IOCB_CMD_${name}`, LIBAIO[`IO_CMD_${name}`]!])),
  IOCB_FLAG_RESFD: { does: 'Signals the eventfd in `aio_resfd` at the completion.', since: 'Linux 2.6.22' },
  IOCB_FLAG_IOPRIO: { does: 'The request has the I/O priority in `aio_reqprio`.', since: 'Linux 4.18' },
};

const THREADS = 'glibc does it with ordinary reads and writes in threads of its own: no kernel AIO, and requests on one descriptor run one after the other.';
const CALLER_KEEPS = 'The control block and the buffer must live until `aio_error` says something other than `EINPROGRESS`.';
const POSIX_CALLS: Docs = {
  aio_read: { does: 'Queues a read at `aio_offset`.', since: 'POSIX.1b; glibc 2.1', blocks: THREADS, mistake: CALLER_KEEPS },
  aio_write: { does: 'Queues a write at `aio_offset`, or at the end with `O_APPEND`.', since: 'POSIX.1b; glibc 2.1', blocks: THREADS, mistake: CALLER_KEEPS },
  aio_fsync: { does: 'Queues an fsync (`O_SYNC`) or fdatasync (`O_DSYNC`) behind what is queued on the descriptor.', since: 'POSIX.1b; glibc 2.1', blocks: THREADS, mistake: CALLER_KEEPS },
  aio_error: { does: 'How a request stands: `EINPROGRESS`, 0, or an error number.', mistake: 'Returns the error number itself; `errno` says nothing.' },
  aio_return: { does: 'The result of a finished request, like that of read or write.', mistake: 'Once only, and only after `aio_error` stopped saying `EINPROGRESS`. Not calling it leaks in some systems.' },
  aio_suspend: { does: 'Waits until one of several requests is finished.', blocks: 'Until one is finished, the timeout is over, or a signal arrives.', mistake: 'May return early: ask `aio_error` for each request.' },
  aio_cancel: { does: 'Cancels one request of a descriptor, or all.', mistake: '`AIO_NOTCANCELED` means that it is running: wait for it before the buffer goes.' },
  lio_listio: { does: 'Queues a list of requests; with `LIO_WAIT` it waits for them.', blocks: 'With `LIO_WAIT` until all are finished.', mistake: 'Some may be queued even when it fails: ask each.' },
};
export const POSIX_AIO: Docs = {
  ...POSIX_CALLS,
  ...Object.fromEntries(Object.entries(POSIX_CALLS).map(([name, doc]) => [`${name}64`, doc])),
  aio_init: { does: 'Sets how many threads glibc uses. GNU only.', mistake: 'Before the first request; later it does nothing.' },
  aiocb: { does: 'One request: descriptor, buffer, length, offset, and how to tell of its end.', mistake: 'Zero it first, `aio_sigevent` most of all.' },
  aiocb64: { does: 'One request with an offset of 64 bits.', mistake: 'Zero it first, `aio_sigevent` most of all.' },
  aioinit: { does: 'Limits of glibc\'s threads.' },
  LIO_READ: { does: 'This request of the list is a read.' },
  LIO_WRITE: { does: 'This request of the list is a write.' },
  LIO_NOP: { does: 'This request of the list is left out.' },
  LIO_WAIT: { does: '`lio_listio` waits until all requests are finished.' },
  LIO_NOWAIT: { does: '`lio_listio` returns at once.' },
  AIO_CANCELED: { does: 'All requests asked for were cancelled.' },
  AIO_NOTCANCELED: { does: 'At least one request is running and was not cancelled.' },
  AIO_ALLDONE: { does: 'All requests were finished already.' },
};
