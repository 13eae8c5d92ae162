// SPDX-License-Identifier: MIT
/*
 * depth-one SECONDS buffered|direct FILE, depth-one SECONDS timeout MICROSECONDS: one operation at a time through io_uring.
 * Prints the median of its own time from before the submission to after the reap.
 */
#include "measure.h"
#include <liburing.h>

#define MOST 4000000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	struct file file = { .fd = -1 };
	struct __kernel_timespec timeout = { 0 };
	uint64_t ops = 0;

	if (argc != 4)
		return 64;
	uint64_t length = atof(argv[1]) * 1e9;
	bool timed = strcmp(argv[2], "timeout") == 0;
	if (timed)
		timeout.tv_nsec = atol(argv[3]) * 1000;
	else
		file = open_file(argv[3], strcmp(argv[2], "direct") == 0 ? O_DIRECT : 0);
	char *buffer = aligned(BLOCK);
	uint64_t *took = calloc(MOST, sizeof(*took));
	must(io_uring_queue_init(1, &ring, 0), "io_uring_queue_init");

	struct stretch stretch = begin();
	while (ops < MOST && now_ns() - stretch.began < length) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;
		if (timed)
			io_uring_prep_timeout(sqe, &timeout, 0, 0);
		else
			io_uring_prep_read(sqe, file.fd, buffer, BLOCK, random_offset(file));
		uint64_t submitted = now_ns();
		must(io_uring_submit_and_wait(&ring, 1), "io_uring_submit_and_wait");
		must(io_uring_peek_cqe(&ring, &cqe), "io_uring_peek_cqe");
		took[ops++] = now_ns() - submitted;
		if (timed && cqe->res != -ETIME)
			return 70;
		if (!timed)
			must_be_block(cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	qsort(took, ops, sizeof(*took), compare);
	printf("{\"ops\":%llu,\"p50Ns\":%llu}\n", (unsigned long long)ops, (unsigned long long)took[ops / 2]);
	return finish();
}
