// SPDX-License-Identifier: MIT
/* uring-corners FILE: the sequences that are easy to count wrong, each a known number of times. */
#include "support.h"
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define MULTISHOTS 5
#define OVERFLOWS 12

static struct io_uring_sqe *sqe(struct io_uring *ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	if (!entry)
		exit(70);
	return entry;
}

static void submit(struct io_uring *ring)
{
	must(io_uring_submit(ring), "io_uring_submit");
}

/* Takes `count` completions; the result of the last. */
static int reap(struct io_uring *ring, int count)
{
	int result = 0;

	while (count-- > 0) {
		struct io_uring_cqe *cqe;
		must(io_uring_wait_cqe(ring, &cqe), "io_uring_wait_cqe");
		result = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct io_uring ring, other, small, polled;
	char byte = 0;
	uint64_t one = 1, value;
	int ends[2];

	if (argc != 2)
		return 64;
	must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");
	must(io_uring_queue_init(8, &other, 0), "io_uring_queue_init");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	int fd = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);

	/* malformed: an unknown opcode */
	struct io_uring_sqe *entry = sqe(&ring);
	io_uring_prep_nop(entry);
	entry->opcode = 250;
	submit(&ring);
	int rejected = reap(&ring, 1);

	/* a descriptor that is not open */
	io_uring_prep_read(sqe(&ring), 999, &byte, 1, 0);
	submit(&ring);
	int bad = reap(&ring, 1);

	/* no completion wanted, then the same request again */
	entry = sqe(&ring);
	io_uring_prep_nop(entry);
	entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
	submit(&ring);
	io_uring_prep_nop(sqe(&ring));
	submit(&ring);
	reap(&ring, 1);

	/* a worker that was asked for */
	entry = sqe(&ring);
	io_uring_prep_nop(entry);
	entry->flags |= IOSQE_ASYNC;
	submit(&ring);
	reap(&ring, 1);

	/* a chain whose head fails */
	entry = sqe(&ring);
	io_uring_prep_read(entry, 999, &byte, 1, 0);
	entry->flags |= IOSQE_IO_LINK;
	io_uring_prep_nop(sqe(&ring));
	submit(&ring);
	reap(&ring, 2);

	/* waits for readiness */
	io_uring_prep_recv(sqe(&ring), ends[0], &byte, 1, 0);
	submit(&ring);
	usleep(5000);
	must(write(ends[1], "x", 1), "write");
	reap(&ring, 1);

	/* one request, many completions, then cancelled */
	int event = must(eventfd(0, EFD_NONBLOCK), "eventfd");
	entry = sqe(&ring);
	io_uring_prep_poll_multishot(entry, event, POLLIN);
	entry->user_data = 77;
	submit(&ring);
	for (int i = 0; i < MULTISHOTS; i++) {
		must(write(event, &one, sizeof(one)), "write");
		reap(&ring, 1);
		must(read(event, &value, sizeof(value)), "read");
	}
	io_uring_prep_poll_remove(sqe(&ring), 77);
	submit(&ring);
	reap(&ring, 2);

	/* a message to another ring */
	io_uring_prep_msg_ring(sqe(&ring), other.ring_fd, 5, 99, 0);
	submit(&ring);
	reap(&ring, 1);
	reap(&other, 1);

	/* more completions than the queue holds */
	must(io_uring_queue_init_params(4, &small, &(struct io_uring_params){ .flags = IORING_SETUP_CQSIZE, .cq_entries = 4 }),
	     "io_uring_queue_init_params");
	for (int i = 0; i < OVERFLOWS; i++) {
		entry = sqe(&small);
		io_uring_prep_nop(entry);
		entry->user_data = i + 1;
		if (i % 4 == 3)
			submit(&small);
	}
	reap(&small, OVERFLOWS);

	/* submitted by a thread of the kernel */
	must(io_uring_queue_init_params(8, &polled, &(struct io_uring_params){ .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 50 }),
	     "io_uring_queue_init_params");
	entry = sqe(&polled);
	io_uring_prep_write(entry, fd, "x", 1, 0);
	submit(&polled);
	reap(&polled, 1);

	/* a registered file: the descriptor is its place in the table */
	must(io_uring_register_files(&ring, &fd, 1), "io_uring_register_files");
	entry = sqe(&ring);
	io_uring_prep_read(entry, 0, &byte, 1, 0);
	entry->flags |= IOSQE_FIXED_FILE;
	submit(&ring);
	reap(&ring, 1);

	printf("{\"pid\":%d,\"multishots\":%d,\"overflows\":%d,\"rejected\":%d,\"bad\":%d}\n", getpid(), MULTISHOTS,
	       OVERFLOWS - 4, rejected, bad);
	fflush(stdout);

	/* still armed when the process ends */
	io_uring_prep_recv(sqe(&ring), ends[0], &byte, 1, 0);
	submit(&ring);
	return 0;
}
