// SPDX-License-Identifier: MIT
/*
 * uring-security: what security modules are asked about: a ring with a thread of the kernel, two requests under registered
 * credentials, and three commands to a socket.
 */
#include "support.h"
#include <liburing.h>
#include <sys/socket.h>

static void run(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	must(io_uring_submit_and_wait(ring, 1), "submit");
	must(io_uring_wait_cqe(ring, &cqe), "wait");
	must(cqe->res, "request");
	io_uring_cqe_seen(ring, cqe);
}

int main(void)
{
	struct io_uring polled, ring;
	struct io_uring_sqe *sqe;

	must(io_uring_queue_init(8, &polled, IORING_SETUP_SQPOLL), "queue_init with SQPOLL");
	io_uring_queue_exit(&polled);
	must(io_uring_queue_init(8, &ring, 0), "queue_init");
	int credentials = must(io_uring_register_personality(&ring), "register_personality");
	for (int i = 0; i < 2; i++) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_nop(sqe);
		sqe->personality = credentials;
		run(&ring);
	}
	int receiver = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	for (int i = 0; i < 3; i++) {
		sqe = io_uring_get_sqe(&ring);
		/* the bytes that can be read from it: SOCKET_URING_OP_SIOCINQ */
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, receiver, NULL, 0, 0);
		run(&ring);
	}
	printf("{\"pid\":%d,\"commands\":3,\"sqpolls\":1,\"credentials\":2}\n", getpid());
	return 0;
}
