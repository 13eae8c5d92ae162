/* uring-forever FILE [CHILDREN]: reads through io_uring until killed, in this process and in its children. */
#include "report.h"
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char block[4096];
	struct io_uring ring;

	require(argc >= 2, "usage");
	for (int i = argc > 2 ? atoi(argv[2]) : 0; i > 0; i--)
		if (fork() == 0)
			break;
	int fd = open(argv[1], O_RDONLY);
	require(fd >= 0, "open");
	require(io_uring_queue_init(8, &ring, 0) == 0, "io_uring_queue_init");
	for (;;) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;

		require(sqe != NULL, "io_uring_get_sqe");
		io_uring_prep_read(sqe, fd, block, sizeof(block), 0);
		require(io_uring_submit(&ring) == 1 && io_uring_wait_cqe(&ring, &cqe) == 0, "a read");
		io_uring_cqe_seen(&ring, cqe);
		usleep(200);
	}
}
