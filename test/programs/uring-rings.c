// SPDX-License-Identifier: MIT
/* uring-rings COUNT OPEN: COUNT rings one after the other, OPEN of them at a time, with one operation on each. */
#include "support.h"
#include <liburing.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	int count = atoi(argv[1]), open = atoi(argv[2]);
	struct io_uring *rings = calloc(open, sizeof(*rings));
	struct rlimit files = { open + 64, open + 64 };
	struct io_uring_cqe *cqe;

	if (!rings)
		return 70;
	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	for (int i = 0; i < count; i++) {
		struct io_uring *ring = &rings[i % open];
		if (i >= open)
			io_uring_queue_exit(ring);
		must(io_uring_queue_init(1, ring, 0), "io_uring_queue_init");
		io_uring_prep_nop(io_uring_get_sqe(ring));
		must(io_uring_submit(ring), "io_uring_submit");
		must(io_uring_wait_cqe(ring, &cqe), "io_uring_wait_cqe");
		io_uring_cqe_seen(ring, cqe);
	}
	printf("{\"pid\":%d,\"ops\":{\"NOP\":%d}}\n", getpid(), count);
	return 0;
}
