// SPDX-License-Identifier: MIT
/* uring-reads FILE SECONDS DEPTH buffered|direct: random reads of 4 KiB through io_uring, DEPTH of them in flight. */
#include "measure.h"
#include <liburing.h>

static void prepare(struct io_uring *ring, struct file file, char *buffers, uint64_t slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_read(sqe, file.fd, buffers + slot * BLOCK, BLOCK, random_offset(file));
	io_uring_sqe_set_data64(sqe, slot);
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	uint64_t ops = 0;

	if (argc != 5)
		return 64;
	struct file file = open_file(argv[1], strcmp(argv[4], "direct") == 0 ? O_DIRECT : 0);
	uint64_t length = atof(argv[2]) * 1e9;
	unsigned depth = atoi(argv[3]);
	char *buffers = aligned((size_t)depth * BLOCK);
	must(io_uring_queue_init(depth, &ring, 0), "io_uring_queue_init");

	struct stretch stretch = begin();
	for (unsigned slot = 0; slot < depth; slot++)
		prepare(&ring, file, buffers, slot);
	for (unsigned left = depth; left > 0;) {
		struct io_uring_cqe *cqe;
		unsigned head, reaped = 0;
		must(io_uring_submit_and_wait(&ring, 1), "io_uring_submit_and_wait");
		bool over = now_ns() - stretch.began >= length;
		io_uring_for_each_cqe(&ring, head, cqe) {
			must_be_block(cqe->res);
			if (!over)
				prepare(&ring, file, buffers, cqe->user_data);
			reaped++;
		}
		io_uring_cq_advance(&ring, reaped);
		ops += reaped;
		if (over)
			left -= reaped;
	}
	print_costs(stretch, ops);
	return finish();
}
