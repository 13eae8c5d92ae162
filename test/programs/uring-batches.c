// SPDX-License-Identifier: MIT
/* uring-batches COUNT: COUNT batches of 512 NOPs, each given to the kernel by one call. Prints when each call began and was over. */
#include "support.h"
#include <liburing.h>

#define BATCH 512

int main(int argc, char **argv)
{
	struct io_uring ring;

	if (argc != 2)
		return 64;
	int count = atoi(argv[1]);
	uint64_t *began = calloc(count, sizeof(*began)), *over = calloc(count, sizeof(*over));
	must(io_uring_queue_init(BATCH, &ring, 0), "io_uring_queue_init");
	for (int batch = 0; batch < count; batch++) {
		for (int i = 0; i < BATCH; i++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		began[batch] = now_ns();
		must(io_uring_submit_and_wait(&ring, BATCH), "io_uring_submit_and_wait");
		over[batch] = now_ns();
		io_uring_cq_advance(&ring, BATCH);
	}
	printf("{\"pid\":%d,\"batch\":%d,", getpid(), BATCH);
	print_list("began", began, count);
	printf(",");
	print_list("over", over, count);
	printf("}\n");
	return 0;
}
