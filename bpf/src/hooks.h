// SPDX-License-Identifier: MIT
/* Which program serves which tracepoint, and on which kernels. */
#ifndef RINGLIGHT_HOOKS_H
#define RINGLIGHT_HOOKS_H

#include <stdbool.h>
#include "record.h"

enum hook_kind {
	KIND_TYPED,		/* tp_btf: needs the tracepoint in BTF */
	KIND_SYSCALL,		/* classic tracepoint: needs tracefs */
	KIND_ANY_SYSCALL,	/* tp_btf of all system calls: used where tracefs is not there, or many calls are captured */
	KIND_ITERATOR,
	KIND_SECURITY,		/* lsm: needs BPF among the security modules */
	KIND_LIBRARY,		/* uprobe on a function of the C library, */
	KIND_LIBRARY_RETURN,	/* and one on its return */
};

/* What a hook is for, a bit each: an API (enum api), io_uring_enter as a call, or whatever is traced. */
enum hook_for {
	FOR_IO_URING = 1 << API_IO_URING, FOR_LIBAIO = 1 << API_LIBAIO, FOR_POSIX_AIO = 1 << API_POSIX_AIO,
	FOR_EPOLL = 1 << API_EPOLL, FOR_SYNC = 1 << API_SYNC, FOR_ENTER = 1 << API_COUNT, FOR_PROCESSES = 1 << (API_COUNT + 1),
	/* io_uring that is refused: only where other system calls are hooked, because the first such hook slows all */
	FOR_REFUSALS = 1 << (API_COUNT + 2),
};

/* Shapes of a tracepoint's arguments, as BTF tells them. */
enum shape {
	SHAPE_ANY,
	SHAPE_REQUEST_FIRST,	/* (struct io_kiocb *, ...) */
	SHAPE_REQUEST_SECOND,	/* (ctx, void *, ...) */
	SHAPE_ENTRY_THIRD,	/* (ctx, req, struct io_uring_cqe *) */
	SHAPE_RESULT_FOURTH,	/* (ctx, void *req, u64, int, ...) */
	SHAPE_NUMBERS,		/* (ctx, u64 or numbers, ...) */
	SHAPE_TWO,		/* two untyped pointers */
	SHAPE_THREE,		/* three arguments */
	SHAPE_BYTE_THIRD,	/* (ctx, void *, u8 opcode, ...) */
	SHAPE_REQUEST_THIRD,	/* (ctx, int, void *, ...) */
	SHAPE_FIVE_NUMBERS,	/* (ctx, four numbers) */
	SHAPE_SIX_NUMBERS,	/* (ctx, five numbers) */
	SHAPE_NUMBER_FOURTH,	/* (bool, pointer, pointer, state) */
};

struct variant {
	const char *program;
	const char *tracepoint;	/* or function */
	enum shape shape;
};

#define MOST_VARIANTS 4
struct hook {
	const char *name;
	enum hook_kind kind;
	unsigned int purposes;	/* of enum hook_for; attached for any of them */
	bool mandatory;		/* for each of its purposes */
	struct variant variants[MOST_VARIANTS];
};

static inline bool is_of_library(const struct hook *hook)
{
	return hook->kind == KIND_LIBRARY || hook->kind == KIND_LIBRARY_RETURN;
}

extern const struct hook HOOKS[];
extern const unsigned int HOOK_COUNT;

#endif
