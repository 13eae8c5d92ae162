// SPDX-License-Identifier: MIT
/* uring-hang [sqpoll]: one receive that nobody ever sends to; with `sqpoll` the kernel's thread submits, and never sleeps. */
#include "support.h"
#include <stdbool.h>
#include <liburing.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	bool polled = argc > 1 && strcmp(argv[1], "sqpoll") == 0;
	struct io_uring_params params = { .flags = polled ? IORING_SETUP_SQPOLL : 0, .sq_thread_idle = 1000000 };
	struct io_uring ring;
	int ends[2];
	char byte;

	must(io_uring_queue_init_params(8, &ring, &params), "io_uring_queue_init_params");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	io_uring_prep_recv(io_uring_get_sqe(&ring), ends[0], &byte, 1, 0);
	must(io_uring_submit(&ring), "io_uring_submit");
	printf("{\"pid\":%d}\n", getpid());
	fflush(stdout);
	pause();
	return 0;
}
