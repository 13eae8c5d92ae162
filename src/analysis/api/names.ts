/** Names of the APIs, in the sets that rules and models share. */

/** libaio calls that fill an iocb for a transfer; the iocb is the first argument, the descriptor the second. */
export const AIO_TRANSFERS = new Set(['io_prep_pread', 'io_prep_pwrite', 'io_prep_preadv', 'io_prep_pwritev', 'io_prep_preadv2', 'io_prep_pwritev2']);
export const AIO_OTHER_PREPS = new Set(['io_prep_poll', 'io_prep_fsync', 'io_prep_fdsync']);

export const SQE_SOURCES = new Set(['io_uring_get_sqe', 'io_uring_get_sqe128']);
/** io_uring calls that read through their sqe. */
export const SQE_USE = /^io_uring_(?:prep_\w+|sqe_set_\w+|initialize_sqe)$/;
export const URING_SUBMIT = new Set([
  'io_uring_submit', 'io_uring_submit_and_wait', 'io_uring_submit_and_wait_timeout', 'io_uring_submit_and_wait_min_timeout',
  'io_uring_submit_and_wait_reg', 'io_uring_submit_and_get_events',
]);
export const URING_REAP = /^(?:io_uring_wait_cqes?(?:_\w+)?|io_uring_peek_cqe|io_uring_peek_batch_cqe|io_uring_for_each_cqe|io_uring_submit_and_wait\w*)$/;
/** How a call hands out cqes: through its second argument, or as the variable of a loop macro. `assumed`: the pointer may be NULL though the result is no error. */
export type CqeSource = 'wait' | 'peek' | 'assumed' | 'batch' | 'each';
export const CQE_SOURCES: ReadonlyMap<string, CqeSource> = new Map<string, CqeSource>([
  ['io_uring_wait_cqe', 'wait'], ['io_uring_wait_cqe_nr', 'wait'], ['io_uring_wait_cqe_timeout', 'wait'], ['io_uring_wait_cqes', 'wait'],
  ['io_uring_wait_cqes_min_timeout', 'wait'], ['io_uring_peek_cqe', 'peek'],
  ['io_uring_submit_and_wait_timeout', 'assumed'], ['io_uring_submit_and_wait_min_timeout', 'assumed'], ['io_uring_submit_and_wait_reg', 'assumed'],
  ['io_uring_peek_batch_cqe', 'batch'], ['io_uring_for_each_cqe', 'each'],
]);
/** Calls that move the head of the completion queue on, and which argument counts (none: one cqe, the second argument). */
export const CQE_CONSUMERS: ReadonlyMap<string, number | undefined> = new Map<string, number | undefined>([
  ['io_uring_cqe_seen', undefined], ['io_uring_cq_advance', 1], ['io_uring_buf_ring_cq_advance', 2], ['__io_uring_buf_ring_cq_advance', 3],
]);
export const URING_INIT = /^io_uring_queue_init(?:_params|_mem)?$/;

/** Functions and macros that stop the program, or the test, when what they are given does not hold; any upper-case name may. */
export function isGuard(name: string): boolean {
  return /assert|check|expect|require|ensure|verify|bug_on|die_on|panic|fatal|abort_if|notnull|not_null/i.test(name) || /^[A-Z][A-Z0-9_]+$/.test(name);
}

const FOREIGN = new RegExp(`^(?:${[
  '(?:__)?io_uring_\\w+', 'io_(?:setup|destroy|submit|p?getevents|cancel|queue_\\w+|prep_\\w+|set_\\w+)', 'aio_\\w+(?:64)?', 'lio_listio(?:64)?', 'syscall', 'main',
  '(?:open|creat|openat2?|fopen|fdopen|dup[23]?|close|read|write|p(?:read|write)(?:v2?)?|(?:read|write)v|lseek|fcntl|ioctl|fsync|fdatasync|ftruncate|truncate|fallocate)(?:64)?',
  'mmap|munmap|malloc|calloc|realloc|free|aligned_alloc|posix_memalign|memalign|valloc|pvalloc|mem(?:set|cpy|move|cmp)|str\\w+', 'socket|socketpair|pipe2?|accept4?|bind|listen|connect|send(?:to|msg)?|recv(?:from|msg)?|shutdown',
  'fork|vfork|clone3?|exec\\w+|wait(?:pid|id)?|poll|ppoll|select|pselect|epoll_\\w+|eventfd|signalfd|timerfd_\\w+|exit|_exit|abort|pthread_\\w+|std::\\w+',
].join('|')})$`);
/** Whether the C library or an API has a function of that name: a call means that one, whatever some file of the project defines. */
export function isForeignName(name: string): boolean {
  return FOREIGN.test(name);
}
