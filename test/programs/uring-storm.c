// SPDX-License-Identifier: MIT
/* uring-storm COUNT: COUNT NOPs as fast as they go. Prints how many and how long it took. */
#include "support.h"
#include <liburing.h>

#define BATCH 64

int main(int argc, char **argv)
{
	struct io_uring ring;

	if (argc != 2)
		return 64;
	long count = atol(argv[1]) / BATCH * BATCH;
	must(io_uring_queue_init(BATCH, &ring, 0), "io_uring_queue_init");
	uint64_t start = now_ns();
	for (long done = 0; done < count; done += BATCH) {
		for (int i = 0; i < BATCH; i++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		must(io_uring_submit_and_wait(&ring, BATCH), "io_uring_submit_and_wait");
		io_uring_cq_advance(&ring, BATCH);
	}
	printf("{\"pid\":%d,\"ops\":{\"NOP\":%ld},\"ns\":%llu}\n", getpid(), count, (unsigned long long)(now_ns() - start));
	return 0;
}
