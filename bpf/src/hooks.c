// SPDX-License-Identifier: MIT
#include "hooks.h"

#define TYPED(event, purposes, mandatory, program, shape) \
	{ event, KIND_TYPED, purposes, mandatory, { { program, event, shape } } }
/* optional, with one program for kernels since 5.18 and one for older ones */
#define EITHER(event, purposes, program, shape, old, old_shape) \
	{ event, KIND_TYPED, purposes, false, { { program, event, shape }, { old, event, old_shape } } }
#define SYSCALL(call, purposes, programs) \
	{ "sys_enter_" call, KIND_SYSCALL, purposes, true, { { programs "_enter", "sys_enter_" call, SHAPE_ANY } } }, \
	{ "sys_exit_" call, KIND_SYSCALL, purposes, true, { { programs "_exit", "sys_exit_" call, SHAPE_ANY } } }
/* what it returns matters when it fails only, so that is optional */
#define LIBRARY(function, program, returns) \
	{ function, KIND_LIBRARY, FOR_POSIX_AIO, true, { { program, function, SHAPE_ANY } } }, \
	{ function " returns", KIND_LIBRARY_RETURN, FOR_POSIX_AIO, false, { { returns, function, SHAPE_ANY } } }
#define FOR_CALLS (FOR_LIBAIO | FOR_EPOLL | FOR_SYNC | FOR_ENTER)

const struct hook HOOKS[] = {
	TYPED("sched_process_fork", FOR_PROCESSES, true, "on_fork", SHAPE_ANY),
	TYPED("sched_process_exec", FOR_PROCESSES, true, "on_exec", SHAPE_ANY),
	TYPED("sched_process_exit", FOR_PROCESSES, true, "on_exit", SHAPE_ANY),

	TYPED("io_uring_create", FOR_IO_URING, true, "uring_create", SHAPE_ANY),
	/* before submissions and completions are seen: then a ring would get its number, but not its descriptor */
	{ "existing rings", KIND_ITERATOR, FOR_IO_URING, false, { { "uring_existing", "", SHAPE_ANY } } },
	{ "io_uring_complete", KIND_TYPED, FOR_IO_URING, true, {
		{ "uring_complete_cqe", "io_uring_complete", SHAPE_ENTRY_THIRD },
		{ "uring_complete_req", "io_uring_complete", SHAPE_RESULT_FOURTH },
		{ "uring_old_complete", "io_uring_complete", SHAPE_NUMBERS },
	} },
	TYPED("io_uring_req_failed", FOR_IO_URING, false, "uring_req_failed", SHAPE_ANY),
	TYPED("io_uring_cqe_overflow", FOR_IO_URING, false, "uring_overflow", SHAPE_NUMBERS),
	EITHER("io_uring_queue_async_work", FOR_IO_URING, "uring_punt", SHAPE_REQUEST_FIRST, "uring_old_punt", SHAPE_REQUEST_THIRD),
	EITHER("io_uring_poll_arm", FOR_IO_URING, "uring_poll_arm", SHAPE_REQUEST_FIRST, "uring_old_poll_arm", SHAPE_BYTE_THIRD),
	EITHER("io_uring_link", FOR_IO_URING, "uring_link", SHAPE_REQUEST_FIRST, "uring_old_link", SHAPE_THREE),
	EITHER("io_uring_fail_link", FOR_IO_URING, "uring_fail_link", SHAPE_REQUEST_FIRST, "uring_old_fail_link", SHAPE_TWO),
	TYPED("io_uring_short_write", FOR_IO_URING, false, "uring_short_write", SHAPE_NUMBERS),
	EITHER("io_uring_register", FOR_IO_URING, "uring_register", SHAPE_FIVE_NUMBERS, "uring_old_register", SHAPE_SIX_NUMBERS),
	/* last: an operation whose beginning is seen has its end seen too */
	{ "io_uring_submit", KIND_TYPED, FOR_IO_URING, true, {
		{ "uring_submit_req", "io_uring_submit_req", SHAPE_REQUEST_FIRST },
		{ "uring_submit_sqe_req", "io_uring_submit_sqe", SHAPE_REQUEST_FIRST },
		{ "uring_old_submit", "io_uring_submit_sqe", SHAPE_BYTE_THIRD },
		{ "uring_submit_sqe_ctx", "io_uring_submit_sqe", SHAPE_REQUEST_SECOND },
	} },

	{ "lsm uring_cmd", KIND_SECURITY, FOR_IO_URING, false, { { "security_command", "uring_cmd", SHAPE_ANY } } },
	{ "lsm uring_sqpoll", KIND_SECURITY, FOR_IO_URING, false, { { "security_sqpoll", "uring_sqpoll", SHAPE_ANY } } },
	{ "lsm uring_override_creds", KIND_SECURITY, FOR_IO_URING, false, { { "security_credentials", "uring_override_creds", SHAPE_ANY } } },

	TYPED("iomap_dio_rw_begin", FOR_LIBAIO, false, "aio_direct_begin", SHAPE_ANY),
	TYPED("iomap_dio_complete", FOR_LIBAIO, false, "aio_direct_end", SHAPE_ANY),
	{ "sched_switch", KIND_TYPED, FOR_CALLS, false, {
		{ "switch_with_state", "sched_switch", SHAPE_NUMBER_FOURTH },
		{ "switch_without_state", "sched_switch", SHAPE_THREE },
	} },
	SYSCALL("io_setup", FOR_LIBAIO, "aio_call"),
	SYSCALL("io_destroy", FOR_LIBAIO, "aio_call"),
	SYSCALL("io_getevents", FOR_LIBAIO, "aio_call"),
	SYSCALL("io_pgetevents", FOR_LIBAIO, "aio_call"),
	SYSCALL("io_submit", FOR_LIBAIO, "aio_call"),
	{ "sys_enter_io_uring_setup", KIND_SYSCALL, FOR_REFUSALS, false, { { "setup_enter", "sys_enter_io_uring_setup", SHAPE_ANY } } },
	{ "sys_exit_io_uring_setup", KIND_SYSCALL, FOR_REFUSALS, false, { { "setup_exit", "sys_exit_io_uring_setup", SHAPE_ANY } } },
	SYSCALL("io_uring_enter", FOR_ENTER, "call"),
	{ "sys_enter", KIND_ANY_SYSCALL, FOR_CALLS | FOR_POSIX_AIO, true, { { "any_enter", "sys_enter", SHAPE_ANY } } },
	{ "sys_exit", KIND_ANY_SYSCALL, FOR_CALLS | FOR_POSIX_AIO, true, { { "any_exit", "sys_exit", SHAPE_ANY } } },
	LIBRARY("aio_read", "posix_read", "posix_asked"),
	LIBRARY("aio_write", "posix_write", "posix_asked"),
	LIBRARY("aio_fsync", "posix_sync", "posix_asked"),
	LIBRARY("lio_listio", "posix_list", "posix_list_asked"),
	LIBRARY("aio_cancel", "posix_cancel", "posix_cancelled"),
};
const unsigned int HOOK_COUNT = sizeof(HOOKS) / sizeof(HOOKS[0]);
