// SPDX-License-Identifier: MIT
/*
 * uring-forever [children]: NOPs and timeouts of a millisecond until it is killed. With `children` it also starts
 * a child that does the same and one that left the session and ignores SIGTERM. Prints their ids.
 */
#include "support.h"
#include <liburing.h>
#include <signal.h>

static void work(void)
{
	struct io_uring ring;

	must(io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
	for (;;) {
		struct __kernel_timespec wait = { .tv_nsec = 1000000 };
		struct io_uring_cqe *cqe;
		io_uring_prep_nop(io_uring_get_sqe(&ring));
		io_uring_prep_timeout(io_uring_get_sqe(&ring), &wait, 0, 0);
		must(io_uring_submit(&ring), "io_uring_submit");
		for (int i = 0; i < 2; i++) {
			must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
			io_uring_cqe_seen(&ring, cqe);
		}
	}
}

int main(int argc, char **argv)
{
	int child = 0, daemon = 0;

	if (argc > 1 && strcmp(argv[1], "children") == 0) {
		if ((child = must(fork(), "fork")) == 0)
			work();
		int ids[2];
		must(pipe(ids), "pipe");
		/* forked twice, so that its parent is gone too */
		if (must(fork(), "fork") == 0) {
			setsid();
			if (must(fork(), "fork") != 0)
				_exit(0);
			signal(SIGTERM, SIG_IGN);
			daemon = getpid();
			must(write(ids[1], &daemon, sizeof(daemon)), "write");
			work();
		}
		must(read(ids[0], &daemon, sizeof(daemon)), "read");
	}
	printf("{\"pid\":%d,\"child\":%d,\"daemon\":%d}\n", getpid(), child, daemon);
	fflush(stdout);
	work();
}
