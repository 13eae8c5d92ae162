// SPDX-License-Identifier: MIT
#include "calls.h"

#include <asm/unistd.h>
#include <string.h>

static const int16_t NUMBERS[CALL_COUNT] = {
	[CALL_IO_URING_ENTER] = __NR_io_uring_enter,
	[CALL_IO_SUBMIT] = __NR_io_submit,
	[CALL_IO_GETEVENTS] = __NR_io_getevents,
	[CALL_IO_PGETEVENTS] = __NR_io_pgetevents,
#ifdef __NR_epoll_wait
	[CALL_EPOLL_WAIT] = __NR_epoll_wait,
#else
	[CALL_EPOLL_WAIT] = -1,
#endif
	[CALL_EPOLL_PWAIT] = __NR_epoll_pwait,
	[CALL_EPOLL_PWAIT2] = __NR_epoll_pwait2,
	[CALL_READ] = __NR_read,
	[CALL_WRITE] = __NR_write,
	[CALL_PREAD64] = __NR_pread64,
	[CALL_PWRITE64] = __NR_pwrite64,
	[CALL_READV] = __NR_readv,
	[CALL_WRITEV] = __NR_writev,
	[CALL_PREADV] = __NR_preadv,
	[CALL_PWRITEV] = __NR_pwritev,
	[CALL_PREADV2] = __NR_preadv2,
	[CALL_PWRITEV2] = __NR_pwritev2,
	[CALL_FSYNC] = __NR_fsync,
	[CALL_FDATASYNC] = __NR_fdatasync,
};

static void watch(uint64_t *bits, int number)
{
	if (number >= 0 && number < WATCHED_CALLS)
		bits[number / 64] |= 1ULL << number % 64;
}

uint32_t told_calls(const struct programs_request *request)
{
	uint32_t calls = request->enter ? 1u << CALL_IO_URING_ENTER : 0;

	if (request->apis[API_LIBAIO])
		calls |= 1u << CALL_IO_SUBMIT | 1u << CALL_IO_GETEVENTS | 1u << CALL_IO_PGETEVENTS;
	for (uint32_t call = CALL_EPOLL_WAIT; call < CALL_COUNT; call++)
		calls |= request->apis[call <= CALL_EPOLL_PWAIT2 ? API_EPOLL : API_SYNC] ? 1u << call : 0;
	return calls;
}

void watched_calls(const struct programs_request *request, bool refusals, uint64_t bits[WATCHED_CALLS / 64])
{
	/* with which the C library serves POSIX AIO */
	static const enum call serving[] = { CALL_READ, CALL_WRITE, CALL_PREAD64, CALL_PWRITE64, CALL_FSYNC, CALL_FDATASYNC };
	uint32_t told = told_calls(request);

	memset(bits, 0, WATCHED_CALLS / 8);
	for (uint32_t call = 0; call < CALL_COUNT; call++)
		if (told & 1u << call)
			watch(bits, NUMBERS[call]);
	for (uint32_t i = 0; request->apis[API_POSIX_AIO] && i < sizeof(serving) / sizeof(serving[0]); i++)
		watch(bits, NUMBERS[serving[i]]);
	if (request->apis[API_LIBAIO]) {
		watch(bits, __NR_io_setup);
		watch(bits, __NR_io_destroy);
	}
	if (refusals)
		watch(bits, __NR_io_uring_setup);
}
