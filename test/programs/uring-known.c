// SPDX-License-Identifier: MIT
/*
 * uring-known FILE COUNT: COUNT each of NOP, WRITE and READ in batches, COUNT chains of WRITE → FSYNC → READ, and
 * timeouts of five milliseconds that are measured one by one.
 */
#include "support.h"
#include <liburing.h>

#define BATCH 16
#define TIMEOUTS 9
#define BLOCK 4096

static struct io_uring ring;

static struct io_uring_sqe *sqe(void)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

	if (!entry)
		exit(70);
	return entry;
}

static void reap(int count)
{
	for (int i = 0; i < count; i++) {
		struct io_uring_cqe *cqe;
		must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
		must(cqe->res == -ETIME ? 0 : cqe->res, "completion");
		io_uring_cqe_seen(&ring, cqe);
	}
}

int main(int argc, char **argv)
{
	uint64_t timeouts[TIMEOUTS];

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]), fd = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	char *block = aligned(BLOCK);

	must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");
	for (int kind = 0; kind < 3; kind++) {
		for (int i = 0; i < count; i++) {
			struct io_uring_sqe *entry = sqe();
			if (kind == 0)
				io_uring_prep_nop(entry);
			else if (kind == 1)
				io_uring_prep_write(entry, fd, block, BLOCK, (uint64_t)i * BLOCK);
			else
				io_uring_prep_read(entry, fd, block, BLOCK, (uint64_t)i * BLOCK);
			io_uring_sqe_set_data64(entry, i);
			if (i % BATCH == BATCH - 1 || i == count - 1) {
				int submitted = must(io_uring_submit(&ring), "io_uring_submit");
				reap(submitted);
			}
		}
	}
	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *entry = sqe();
		io_uring_prep_write(entry, fd, block, BLOCK, 0);
		entry->flags |= IOSQE_IO_LINK;
		entry = sqe();
		io_uring_prep_fsync(entry, fd, 0);
		entry->flags |= IOSQE_IO_LINK;
		entry = sqe();
		io_uring_prep_read(entry, fd, block, BLOCK, 0);
		must(io_uring_submit(&ring), "io_uring_submit");
		reap(3);
	}
	for (int i = 0; i < TIMEOUTS; i++) {
		struct __kernel_timespec wait = { .tv_nsec = 5000000 };
		io_uring_prep_timeout(sqe(), &wait, 0, 0);
		uint64_t start = now_ns();
		must(io_uring_submit(&ring), "io_uring_submit");
		reap(1);
		timeouts[i] = now_ns() - start;
	}
	printf("{\"pid\":%d,\"ops\":{\"NOP\":%d,\"WRITE\":%d,\"READ\":%d,\"FSYNC\":%d,\"TIMEOUT\":%d},", getpid(), count,
	       2 * count, 2 * count, count, TIMEOUTS);
	print_list("timeout_ns", timeouts, TIMEOUTS);
	printf("}\n");
	io_uring_queue_exit(&ring);
	return 0;
}
