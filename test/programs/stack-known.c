// SPDX-License-Identifier: MIT
/*
 * stack-known FILE COUNT: COUNT each of io_uring NOPs, libaio reads, POSIX AIO reads and plain reads, all asked for by inner(),
 * which middle() calls, which outer() calls. The calls are made in place and the frames are kept, so that the stack is known.
 */
#include "support.h"
#include <aio.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#endif

enum kind { URING, LIBAIO, POSIX, PLAIN, KINDS };

static struct io_uring ring;
static aio_context_t context;
static char *memory;
static int file;

#define FRAMED __attribute__((noinline, noclone, optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")))

FRAMED static long inner(enum kind kind)
{
	static struct iocb iocb;
	static struct aiocb request;
	struct iocb *list[] = { &iocb };
	struct aiocb *requests[] = { &request };

	switch (kind) {
	case URING:
		return call(__NR_io_uring_enter, ring.ring_fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
	case LIBAIO:
		iocb = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file, .aio_buf = (uintptr_t)memory, .aio_nbytes = 512 };
		return call(__NR_io_submit, context, 1, (long)list, 0, 0, 0);
	case POSIX:
		request = (struct aiocb){ .aio_fildes = file, .aio_buf = memory, .aio_nbytes = 512, .aio_lio_opcode = LIO_READ };
		return lio_listio(LIO_WAIT, requests, 1, NULL);
	default:
		return call(__NR_read, file, (long)memory, 1, 0, 0, 0);
	}
}

FRAMED static long middle(enum kind kind)
{
	long result = inner(kind);

	__asm__ volatile("");
	return result;
}

FRAMED static long outer(enum kind kind)
{
	long result = middle(kind);

	__asm__ volatile("");
	return result;
}

/* Puts one NOP into the queue, by hand because liburing would enter the kernel itself. */
static void queue_nop(void)
{
	unsigned tail = *ring.sq.ktail, index = tail & *ring.sq.kring_mask;

	io_uring_prep_nop(&ring.sq.sqes[index]);
	ring.sq.array[index] = index;
	__atomic_store_n(ring.sq.ktail, tail + 1, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
	struct io_event event;

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]);
	memory = aligned(4096);
	file = must(fcntl(must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]), F_DUPFD, 100), "dup");
	must(pwrite(file, memory, 4096, 0), "pwrite");
	must(io_uring_queue_init(4, &ring, 0), "io_uring_queue_init");
	must(call(__NR_io_setup, 4, (long)&context, 0, 0, 0, 0), "io_setup");
	for (int i = 0; i < count; i++) {
		queue_nop();
		must(outer(URING), "io_uring_enter");
		__atomic_store_n(ring.cq.khead, *ring.cq.khead + 1, __ATOMIC_RELEASE);
		must(outer(LIBAIO), "io_submit");
		must(call(__NR_io_getevents, context, 1, 1, (long)&event, 0, 0), "io_getevents");
		must(outer(POSIX), "lio_listio");
		must(outer(PLAIN), "read");
	}
	/* longer than it takes to look at the mappings */
	usleep(100000);
	printf("{\"pid\":%d,\"file\":%d,\"inner\":\"%p\",\"middle\":\"%p\",\"outer\":\"%p\"}\n", getpid(), file, (void *)inner, (void *)middle,
	       (void *)outer);
	return 0;
}
