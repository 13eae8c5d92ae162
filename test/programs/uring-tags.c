// SPDX-License-Identifier: MIT
/*
 * uring-tags FILE: many requests with one user_data, a malformed one with that of a request in flight, and a chain that
 * breaks. What is issued here is known to Linux 5.10.
 */
#include "support.h"
#include <liburing.h>
#include <poll.h>

#define SAME 32
#define READS 16
#define TAG 7
#define OTHER_TAG 99
#define BLOCK 4096

static struct io_uring ring;

static struct io_uring_sqe *sqe(void)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

	if (!entry)
		exit(70);
	return entry;
}

/* After the request was prepared, which clears it. */
static void tag(struct io_uring_sqe *entry, uint64_t user_data, unsigned int flags)
{
	entry->user_data = user_data;
	entry->flags |= flags;
}

/* Sends `count` requests and takes as many completions; the result of the last. */
static int run(int submit, int count)
{
	struct io_uring_cqe *cqe;
	int result = 0;

	if (submit)
		must(io_uring_submit(&ring), "io_uring_submit");
	while (count-- > 0) {
		must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
		result = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	return result;
}

int main(int argc, char **argv)
{
	char *memory = aligned(BLOCK * READS);
	int ends[2];

	if (argc != 2)
		return 64;
	int fd = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	must(write(fd, memory, BLOCK * READS), "write");
	must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");

	for (int i = 0; i < SAME; i++) {
		struct io_uring_sqe *nop = sqe();
		io_uring_prep_nop(nop);
		tag(nop, TAG, 0);
	}
	run(1, SAME);
	for (int i = 0; i < READS; i++) {
		struct io_uring_sqe *read = sqe();
		io_uring_prep_read(read, fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		tag(read, TAG, IOSQE_ASYNC);
	}
	run(1, READS);

	/* a poll in flight, then an unknown opcode with the same user_data */
	must(pipe(ends), "pipe");
	struct io_uring_sqe *poll = sqe();
	io_uring_prep_poll_add(poll, ends[0], POLLIN);
	tag(poll, OTHER_TAG, 0);
	run(1, 0);
	struct io_uring_sqe *bad = sqe();
	io_uring_prep_nop(bad);
	bad->opcode = 250;
	tag(bad, OTHER_TAG, 0);
	int rejected = run(1, 1);
	must(write(ends[1], "x", 1), "write");
	int polled = run(0, 1);

	/* a short read breaks its chain */
	struct io_uring_sqe *read = sqe();
	io_uring_prep_read(read, fd, memory, BLOCK, BLOCK * READS);
	tag(read, 1, IOSQE_IO_LINK);
	struct io_uring_sqe *after = sqe();
	io_uring_prep_nop(after);
	tag(after, 2, 0);
	int cancelled = run(1, 2);

	printf("{\"pid\":%d,\"ops\":{\"NOP\":%d,\"READ\":%d,\"POLL_ADD\":1,\"OP_250\":1},\"rejected\":%d,\"polled\":%d,\"cancelled\":%d}\n",
	       getpid(), SAME + 1, READS + 1, rejected, polled, cancelled);
	return 0;
}
