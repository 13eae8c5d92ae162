/*
 * uring-known FILE: a known number of io_uring operations of several kinds, and timeouts of 5 ms each measured by the
 * program itself. Prints what it issued, see report.h.
 */
#define _GNU_SOURCE
#include "report.h"
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

enum { NOPS = 1000, BATCH = 50, READS = 200, WRITES = 100, FSYNCS = 10, CHAINS = 20, TIMEOUTS = 40, BAD = 7, BLOCK = 4096 };

static struct io_uring ring;
static char block[BLOCK];

static struct io_uring_sqe *get(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	require(sqe != NULL, "io_uring_get_sqe");
	return sqe;
}

/* Submits `count` and reaps them all; -1 where the results are not wanted equal. */
static void finish(unsigned count, int expected)
{
	require(io_uring_submit_and_wait(&ring, count) == (int)count, "submit");
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_cqe *cqe;

		require(io_uring_wait_cqe(&ring, &cqe) == 0, "wait");
		require(expected == -1 || cqe->res == expected, "an operation");
		io_uring_cqe_seen(&ring, cqe);
	}
}

int main(int argc, char **argv)
{
	require(argc == 2, "usage");
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
	require(fd >= 0, "open");
	require(io_uring_queue_init(64, &ring, 0) == 0, "io_uring_queue_init");

	for (int i = 0; i < NOPS; i += BATCH) {
		for (int j = 0; j < BATCH; j++)
			io_uring_prep_nop(get());
		finish(BATCH, 0);
	}
	memset(block, 'r', sizeof(block));
	for (int i = 0; i < WRITES; i++) {
		io_uring_prep_write(get(), fd, block, BLOCK, (off_t)i * BLOCK);
		finish(1, BLOCK);
	}
	for (int i = 0; i < READS; i++) {
		io_uring_prep_read(get(), fd, block, BLOCK, (off_t)(i % WRITES) * BLOCK);
		finish(1, BLOCK);
	}
	for (int i = 0; i < FSYNCS; i++) {
		io_uring_prep_fsync(get(), fd, 0);
		finish(1, 0);
	}
	/* write, then fsync, linked */
	for (int i = 0; i < CHAINS; i++) {
		struct io_uring_sqe *sqe = get();

		io_uring_prep_write(sqe, fd, block, BLOCK, 0);
		sqe->flags |= IOSQE_IO_LINK;
		io_uring_prep_fsync(get(), fd, IORING_FSYNC_DATASYNC);
		finish(2, -1);
	}
	for (int i = 0; i < BAD; i++) {
		io_uring_prep_read(get(), 999, block, BLOCK, 0);
		finish(1, -9);
	}
	for (int i = 0; i < TIMEOUTS; i++) {
		struct __kernel_timespec five = { .tv_nsec = 5000000 };
		int64_t start = now_ns();

		io_uring_prep_timeout(get(), &five, 0, 0);
		finish(1, -62);
		report_latency(start);
	}
	io_uring_queue_exit(&ring);
	report((const struct report_count[]){ { "NOP", NOPS }, { "READ", READS + BAD }, { "WRITE", WRITES + CHAINS },
					      { "FSYNC", FSYNCS + CHAINS }, { "TIMEOUT", TIMEOUTS }, { NULL, 0 } },
	       "TIMEOUT");
	return 0;
}
