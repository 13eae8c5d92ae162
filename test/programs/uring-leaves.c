// SPDX-License-Identifier: MIT
/*
 * uring-leaves COUNT PROGRAM [ARGUMENTS…]: forks a child that ends while COUNT receives are in flight, submits one itself, and
 * becomes PROGRAM while that is in flight.
 */
#include "support.h"
#include <liburing.h>
#include <sys/socket.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	struct io_uring ring;
	int ends[2];
	static char bytes[64];

	if (argc < 3)
		return 64;
	int count = atoi(argv[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	pid_t child = must(fork(), "fork");
	if (child == 0) {
		must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");
		for (int i = 0; i < count; i++)
			io_uring_prep_recv(io_uring_get_sqe(&ring), ends[0], bytes, sizeof(bytes), 0);
		must(io_uring_submit(&ring), "io_uring_submit");
		_exit(0);
	}
	must(waitpid(child, NULL, 0), "waitpid");
	must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");
	io_uring_prep_recv(io_uring_get_sqe(&ring), ends[0], bytes, sizeof(bytes), 0);
	must(io_uring_submit(&ring), "io_uring_submit");
	execvp(argv[2], argv + 2);
	return 71;
}
