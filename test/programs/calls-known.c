// SPDX-License-Identifier: MIT
/*
 * calls-known FILE COUNT: COUNT of each kind of plain read, write and sync on FILE, reads of a pipe and of an eventfd that
 * have to wait for five milliseconds, epoll waits that do so too and one that finds its event there, and an io_uring_enter
 * through the descriptor and one through a registered one where there are such. All on descriptors from 100 on, which the C library's own calls
 * do not use.
 */
#include "support.h"
#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define BLOCK 4096
#define WAITS 5

static int high(int fd)
{
	int result = must(fcntl(must(fd, "open"), F_DUPFD, 100), "dup");

	close(fd);
	return result;
}

static void *write_later(void *fd)
{
	uint64_t one = 1;

	usleep(5000);
	must(write(*(int *)fd, &one, sizeof(one)), "write");
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t pipe_ns[WAITS], epoll_ns[WAITS], word;
	struct epoll_event event = { .events = EPOLLIN }, events[8];
	struct io_uring ring;
	pthread_t thread;
	int ends[2];

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]);
	char *memory = aligned(2 * BLOCK);
	int file = high(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600));
	int direct = high(open(argv[1], O_RDWR | O_DIRECT));
	struct iovec vectors[2] = { { memory, BLOCK }, { memory + BLOCK, 100 } };

	for (int i = 0; i < count; i++) {
		off_t at = (off_t)i * 2 * BLOCK;
		must(pwrite(file, memory, BLOCK, at), "pwrite");
		must(pread(file, memory, BLOCK, at), "pread");
		must(pwritev(file, vectors, 2, at), "pwritev");
		must(preadv(file, vectors, 2, at), "preadv");
		must(pwritev2(file, vectors, 2, at, RWF_DSYNC), "pwritev2");
		must(preadv2(file, vectors, 2, at, RWF_HIPRI), "preadv2");
		must(lseek(file, at, SEEK_SET), "lseek");
		must(write(file, memory, 10), "write");
		must(lseek(file, at, SEEK_SET), "lseek");
		must(read(file, memory, 10), "read");
		must(writev(file, vectors, 1), "writev");
		must(lseek(file, at, SEEK_SET), "lseek");
		must(readv(file, vectors, 1), "readv");
		must(fdatasync(file), "fdatasync");
		must(fsync(file), "fsync");
		must(pread(direct, memory, BLOCK, at), "direct pread");
	}
	int refused = pread(direct, memory + 1, 5, 3) < 0 ? -errno : 0;

	must(pipe(ends), "pipe");
	ends[0] = high(ends[0]);
	ends[1] = high(ends[1]);
	int signal = high(eventfd(0, 0)), poll = high(epoll_create1(0));
	must(epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event), "epoll_ctl");
	for (int i = 0; i < WAITS; i++) {
		uint64_t start = now_ns();
		pthread_create(&thread, NULL, write_later, &ends[1]);
		must(read(ends[0], &word, sizeof(word)), "read");
		pipe_ns[i] = now_ns() - start;
		pthread_join(thread, NULL);
		pthread_create(&thread, NULL, write_later, &signal);
		must(read(signal, &word, sizeof(word)), "read");
		pthread_join(thread, NULL);
		start = now_ns();
		pthread_create(&thread, NULL, write_later, &ends[1]);
		if (must(epoll_wait(poll, events, 7, -1), "epoll_wait") != 1)
			return 70;
		epoll_ns[i] = now_ns() - start;
		pthread_join(thread, NULL);
		must(epoll_pwait(poll, events, 8, 0, NULL), "epoll_pwait");
		must(read(ends[0], &word, sizeof(word)), "read");
	}

	must(io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	must(io_uring_submit(&ring), "submit");
	int ring_fd = ring.ring_fd;
	/* kernels since 5.18 */
	bool registered = io_uring_register_ring_fd(&ring) == 1;
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	must(io_uring_submit(&ring), "submit");

	printf("{\"pid\":%d,\"file\":%d,\"direct\":%d,\"pipe\":%d,\"eventfd\":%d,\"epoll\":%d,\"ring\":%d,\"enters\":[%d,%d],\"waits\":%d,\"refused\":%d,",
	       getpid(), file, direct, ends[0], signal, poll, ring_fd, ring_fd, registered ? -1 : ring_fd, WAITS, refused);
	print_list("pipe_ns", pipe_ns, WAITS);
	printf(",");
	print_list("epoll_ns", epoll_ns, WAITS);
	printf("}\n");
	return 0;
}
