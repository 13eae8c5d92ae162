/*
 * Adds up the bytes of a file with io_uring, over and over for a few seconds, a batch of reads at a time.
 * It works as long as nothing goes wrong. Ringlight underlines what it forgets.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 16 * 1024, DEPTH = 32, BLOCKS = 1024 };

static char buffers[DEPTH][BLOCK];

static void die(const char *what, int error)
{
	fprintf(stderr, "checksum: %s: %s\n", what, strerror(error));
	exit(1);
}

/* The input is made on the first run. */
static int open_input(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path, errno);
	if (st.st_size == (off_t)BLOCK * BLOCKS)
		return fd;
	for (int i = 0; i < BLOCKS; i++) {
		memset(buffers[0], i, BLOCK);
		if (pwrite(fd, buffers[0], BLOCK, (off_t)i * BLOCK) != BLOCK)
			die(path, errno);
	}
	return fd;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int seconds_from_arguments(int argc, char **argv)
{
	if (argc == 1)
		return 8;
	if (argc == 3 && strcmp(argv[1], "--seconds") == 0 && atoi(argv[2]) > 0)
		return atoi(argv[2]);
	fprintf(stderr, "usage: checksum [--seconds N]\n");
	exit(2);
}

static void queue_reads(struct io_uring *ring, int fd, long long first)
{
	for (int i = 0; i < DEPTH; i++) {
		/* Mistake: NULL when the queue is full, for instance after a submit that took only a part. */
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		io_uring_prep_read(sqe, fd, buffers[i], BLOCK, (first + i) * BLOCK);
		io_uring_sqe_set_data64(sqe, (uint64_t)i);
	}
	/* Mistake: how many were taken, or that none was, is not looked at. */
	io_uring_submit(ring);
}

static uint64_t add_up(struct io_uring *ring)
{
	uint64_t sum = 0;

	for (int done = 0; done < DEPTH; done++) {
		struct io_uring_cqe *cqe;
		int error = io_uring_wait_cqe(ring, &cqe);
		const unsigned char *bytes;

		if (error < 0)
			die("io_uring_wait_cqe", -error);
		/* Mistake: cqe->res is not looked at, so a failed read adds up what the buffer held before. */
		bytes = (const unsigned char *)buffers[io_uring_cqe_get_data64(cqe)];
		for (int i = 0; i < BLOCK; i += 64)
			sum += bytes[i];
		io_uring_cqe_seen(ring, cqe);
	}
	return sum;
}

int main(int argc, char **argv)
{
	int seconds = seconds_from_arguments(argc, argv);
	struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	struct io_uring ring;
	uint64_t sum = 0;
	long reads = 0;
	double end;
	int fd, error;

	if (mkdir("build", 0755) != 0 && errno != EEXIST)
		die("build", errno);
	fd = open_input("build/numbers.dat");
	error = io_uring_queue_init(DEPTH, &ring, 0);
	if (error < 0)
		die("io_uring_queue_init", -error);

	end = seconds_now() + seconds;
	for (long long first = 0; seconds_now() < end; first = (first + DEPTH) % BLOCKS) {
		queue_reads(&ring, fd, first);
		sum += add_up(&ring);
		reads += DEPTH;
		nanosleep(&pause, NULL);
	}

	io_uring_queue_exit(&ring);
	close(fd);
	printf("%ld reads, sum %llu\n", reads, (unsigned long long)sum);
	return 0;
}
