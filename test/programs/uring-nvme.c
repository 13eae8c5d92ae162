// SPDX-License-Identifier: MIT
/*
 * uring-nvme CHARACTER-DEVICE BLOCK-DEVICE COUNT: reads of 4 KiB from an NVMe drive, COUNT each way: commands passed through to
 * the drive, and reads whose completions are polled for. The last command names a block the drive does not have.
 */
#include "support.h"
#include <liburing.h>
#include <linux/nvme_ioctl.h>

#define BYTES 4096
#define BLOCK 512
#define NVME_READ 2

static int run(struct io_uring *ring, struct io_uring_sqe *sqe, uint64_t user_data)
{
	struct io_uring_cqe *cqe;

	sqe->user_data = user_data;
	must(io_uring_submit(ring), "submit");
	must(io_uring_wait_cqe(ring, &cqe), "wait");
	int res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static int pass_through(struct io_uring *ring, int fd, uint64_t block, void *buffer)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct nvme_uring_cmd command = {
		.opcode = NVME_READ, .nsid = 1, .addr = (uintptr_t)buffer, .data_len = BYTES,
		.cdw10 = block, .cdw11 = block >> 32, .cdw12 = BYTES / BLOCK - 1,
	};

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = NVME_URING_CMD_IO;
	memcpy(sqe->cmd, &command, sizeof(command));
	return run(ring, sqe, block);
}

int main(int argc, char **argv)
{
	struct io_uring passing, polling;

	if (argc != 4)
		return 64;
	int count = atoi(argv[3]);
	int character = must(open(argv[1], O_RDONLY), argv[1]);
	int block = must(open(argv[2], O_RDONLY | O_DIRECT), argv[2]);
	void *buffer = aligned(BYTES);

	must(io_uring_queue_init(8, &passing, IORING_SETUP_SQE128 | IORING_SETUP_CQE32), "queue_init with SQE128");
	for (int i = 0; i < count; i++)
		if (pass_through(&passing, character, (uint64_t)i * (BYTES / BLOCK), buffer) != 0)
			return 70;
	int status = pass_through(&passing, character, 1ULL << 40, buffer);

	must(io_uring_queue_init(8, &polling, IORING_SETUP_IOPOLL), "queue_init with IOPOLL");
	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&polling);
		io_uring_prep_read(sqe, block, buffer, BYTES, (uint64_t)i * BYTES);
		if (run(&polling, sqe, i) != BYTES)
			return 70;
	}
	printf("{\"pid\":%d,\"character\":%d,\"block\":%d,\"status\":%d,\"command\":%u,\"ops\":{\"URING_CMD\":%d,\"READ\":%d}}\n",
	       getpid(), character, block, status, (unsigned int)NVME_URING_CMD_IO, count + 1, count);
	return 0;
}
