// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the kernel programs hand to the loader. Included by both sides; never leaves the machine.
 *
 * `struct record` is the hot one: at least two for each operation, so it is kept at 48 bytes by packing what
 * has spare bits (times fit in 56 bits, addresses in 48, process ids in 22).
 */
#ifndef RINGLIGHT_RECORD_H
#define RINGLIGHT_RECORD_H

#include <linux/types.h>

enum api { API_IO_URING = 0, API_LIBAIO, API_POSIX_AIO, API_EPOLL, API_SYNC, API_COUNT };

/* System calls that are told as spans of their threads. The numbers are the stream's. */
enum call {
	CALL_IO_URING_ENTER = 0, CALL_IO_SUBMIT, CALL_IO_GETEVENTS, CALL_IO_PGETEVENTS,
	CALL_EPOLL_WAIT, CALL_EPOLL_PWAIT, CALL_EPOLL_PWAIT2,
	CALL_READ, CALL_WRITE, CALL_PREAD64, CALL_PWRITE64, CALL_READV, CALL_WRITEV, CALL_PREADV, CALL_PWRITEV,
	CALL_PREADV2, CALL_PWRITEV2, CALL_FSYNC, CALL_FDATASYNC, CALL_COUNT
};

/* Numbers of system calls that can be watched are below this. */
#define WATCHED_CALLS 512

enum record_type {
	RECORD_SUBMIT = 1,	/* io_uring request taken from the submission queue */
	RECORD_REJECT,		/* malformed sqe: no submission comes, the completion follows */
	RECORD_COMPLETE,	/* completion queue entry written */
	RECORD_OVERFLOW,	/* completion queue full: entry kept aside */
	RECORD_PUNT,		/* handed to a worker thread */
	RECORD_POLL,		/* waits for readiness */
	RECORD_LINK,		/* part of a chain */
	RECORD_LINK_FAILED,	/* cancelled because its predecessor failed */
	RECORD_SHORT_WRITE,
	RECORD_AIO_SUBMIT,	/* an iocb given to io_submit, not yet known to be accepted */
	RECORD_AIO_DONE,	/* finished in the kernel: direct I/O, or whatever finished inside io_submit */
	RECORD_AIO_REAP,	/* io_getevents returned its event */
	RECORD_AIO_DESTROY,	/* io_destroy returned */
	RECORD_SLEPT,		/* the call of this thread that is told next was off the CPU for a while */
	RECORD_CALL,		/* a system call returned */
	RECORD_STACK,		/* the stack of the submission with this key, which this thread tells next */
	RECORD_REGISTER,	/* io_uring_register returned */
	RECORD_SECURITY,	/* a security hook of io_uring was asked */
	RECORD_POSIX_SUBMIT,	/* a function of POSIX AIO was called for a request */
	RECORD_POSIX_BEGIN,	/* a thread makes a system call that may serve a request */
	RECORD_POSIX_END,	/* which returned */
	RECORD_POSIX_REFUSE,	/* the function for the request failed: nobody will serve it */
	RECORD_POSIX_CANCEL,	/* aio_cancel: the request; key 0: those of the descriptor that nobody serves yet */
	RECORD_SUBMIT_AGAIN,	/* of the second program, perhaps told by the first one: see again.bpf.h */
	RECORD_COMPLETE_AGAIN,
};

/* Bits of record.flags. The first seven are the sqe's own (IOSQE_*), which the kernel keeps in req->flags. */
enum record_flag {
	RECORD_FIXED_FILE = 1 << 0,
	RECORD_DRAIN = 1 << 1,
	RECORD_LINKED = 1 << 2,
	RECORD_HARDLINKED = 1 << 3,
	RECORD_ASYNC = 1 << 4,
	RECORD_CQE_SKIP = 1 << 6,
	RECORD_DIRECT = 1 << 8,
	/* completion: the request itself ended; without it, one of several completions, or another ring's message */
	RECORD_HAS_REQUEST = 1 << 9,
	/* submission: also told because it is one of the sample, when most are not */
	RECORD_SAMPLED = 1 << 7,
	/* first iocb of an io_submit call */
	RECORD_FIRST = 1 << 10,
	/* completion of a kernel that does not tell the request: the oldest with its user_data */
	RECORD_BY_USER_DATA = 1 << 10,
	/* submission: data in a registered buffer */
	RECORD_FIXED_BUFFER = 1 << 11,
	/* completion: an eventfd is signalled */
	RECORD_SIGNALS = 1 << 11,
};

/* Most addresses of a stack. */
#define STACK_DEPTH 48

#define KEY_MASK 0xffffffffffffULL

struct record {
	__u64 time : 56;	/* CLOCK_MONOTONIC, ns */
	__u64 type : 8;
	__u64 key : 48;		/* request or iocb address; CALL: duration in ns */
	__u64 ring : 16;
	__u64 user_data;	/* LINK: address of the chain's head; SLEPT: ns off the CPU;
				   CALL: descriptor, and place of the stack plus 1 << 32; STACK: the latter; POSIX_*: address of the buffer */
	__s64 offset;		/* submission, CALL: file offset or -1; AIO_DONE, AIO_REAP: result;
				   SLEPT: ns of these uninterruptible */
	__u64 pid : 22;		/* 0, as the thread is, in what only happens to a request and asks for nobody */
	__u64 tid : 22;
	__u64 op : 8;
	__u64 flags : 12;
	__u32 length;		/* submission, CALL: bytes or events asked for; completion: cqe flags */
	__s32 value;		/* submission, POSIX_BEGIN: descriptor; completion, CALL, POSIX_END: result; POSIX_REFUSE: -errno; POSIX_CANCEL: descriptor; SHORT_WRITE: bytes missing; REGISTER: opcode */
};
_Static_assert(sizeof(struct record) == 48, "a hot record is 48 bytes");

enum notice_kind {
	NOTICE_RING = 1,	/* a ring or aio context with its number */
	NOTICE_EXEC,		/* a traced process runs another program */
	NOTICE_EXIT,		/* a traced process is gone */
	NOTICE_FILE,		/* the file behind a request; followed by its path */
	NOTICE_REFUSED,		/* a system call that sets up an API returned an error */
};

/* The calls of NOTICE_REFUSED, and bits of its flags. */
enum refused_call { REFUSED_IO_URING_SETUP, REFUSED_IO_SETUP };
enum { REFUSED_ENTERED = 1 << 0, REFUSED_CONTAINER = 1 << 1 };

/* Rare news, in a small buffer of their own so that a storm of records can not starve them. */
struct notice {
	__u64 time;
	__u64 key;		/* FILE: address of the request */
	__u32 kind;
	__u32 pid;
	__u32 tid;
	__s32 fd;
	__u32 ring;
	__u32 api;		/* REFUSED: enum refused_call */
	__u32 sq;		/* REFUSED: errno */
	__u32 cq;		/* REFUSED: the process' seccomp mode */
	__u32 flags;		/* RING: IORING_SETUP_*; FILE: open flags; REFUSED_* */
	__u32 existed;
	char comm[16];
};

#define FILE_PATH_BYTES 1024
#define FILE_NAME_BYTES 256
#define FILE_SYSTEM_BYTES 20
/* The path is filled from the end: components are met from the leaf to the root. */
struct file_notice {
	struct notice head;
	__u32 start;		/* offset of the path's first byte; FILE_PATH_BYTES: there is none */
	__u32 mode;		/* st_mode of the inode */
	__u64 inode;
	__u32 device;		/* the block device below, its major << 20 | minor; 0: none, or several */
	char fs[FILE_SYSTEM_BYTES];	/* name of the file system */
	char path[FILE_PATH_BYTES + FILE_NAME_BYTES];	/* the rest is zero, and room for the verifier */
};

/* One for each CPU, a cache line each; written with atomics because an interrupt can nest. */
#define MAX_CPUS 512
struct counters {
	__u64 submitted[API_COUNT];
	__u64 completed[API_COUNT];
	__u64 lost;		/* records that found the buffer full */
	__u64 lost_notices;
	__u64 pad[4];
};
_Static_assert(sizeof(struct counters) == 128, "two cache lines");

#endif
