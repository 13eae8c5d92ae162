/*
 * Copies a file with libaio, over and over for a few seconds: a batch of reads, then a batch of writes.
 * It works, and it is meant to be asynchronous; it is not, and it would not notice an error either.
 * Ringlight underlines the lines at fault, and its timeline shows what they cost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, DEPTH = 16, BLOCKS = 256, ALIGNMENT = 4096 };

static void die(const char *what, int error)
{
	fprintf(stderr, "copy: %s: %s\n", what, strerror(error));
	exit(1);
}

/* Mistake: without O_DIRECT the kernel does the whole transfer inside io_submit. */
static int open_data(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	if (fd < 0)
		die(path, errno);
	return fd;
}

/* The input is made on the first run. */
static void make_input(const char *path)
{
	static char block[BLOCK];
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && st.st_size == (off_t)BLOCK * BLOCKS)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		die(path, errno);
	for (int i = 0; i < BLOCKS; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			die(path, errno);
	}
	if (fsync(fd) != 0 || close(fd) != 0)
		die(path, errno);
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
	fprintf(stderr, "usage: copy [--seconds N]\n");
	exit(2);
}

/* Waits for `wanted` events and adds up the bytes they report. */
static long reap(io_context_t ctx, int wanted)
{
	struct io_event events[DEPTH];
	long bytes = 0;

	while (wanted > 0) {
		int got = io_getevents(ctx, 1, wanted, events, NULL);

		if (got < 0)
			die("io_getevents", -got);
		for (int i = 0; i < got; i++) {
			/* Mistake: `res` is unsigned, so an error is never seen here and counts as bytes. */
			if (events[i].res < 0)
				die("transfer", EIO);
			bytes += (long)events[i].res;
		}
		wanted -= got;
	}
	return bytes;
}

int main(int argc, char **argv)
{
	int seconds = seconds_from_arguments(argc, argv);
	struct iocb iocbs[DEPTH], *batch[DEPTH];
	void *buffers[DEPTH];
	io_context_t ctx = 0;
	long reads = 0, writes = 0, bytes = 0;
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	double end;
	int in, out, error;

	if (mkdir("build", 0755) != 0 && errno != EEXIST)
		die("build", errno);
	make_input("build/input.dat");
	in = open_data("build/input.dat");
	out = open_data("build/copy.dat");

	error = io_setup(DEPTH, &ctx);
	if (error < 0)
		die("io_setup", -error);
	for (int i = 0; i < DEPTH; i++) {
		error = posix_memalign(&buffers[i], ALIGNMENT, BLOCK);
		if (error != 0)
			die("posix_memalign", error);
		batch[i] = &iocbs[i];
	}

	end = seconds_now() + seconds;
	for (long long first = 0; seconds_now() < end; first = (first + DEPTH) % BLOCKS) {
		for (int i = 0; i < DEPTH; i++)
			io_prep_pread(&iocbs[i], in, buffers[i], BLOCK, (first + i) * BLOCK);
		/* Mistake: fewer than DEPTH may be taken, and then the wait below never ends. */
		error = io_submit(ctx, DEPTH, batch);
		if (error < 0)
			die("io_submit", -error);
		bytes += reap(ctx, DEPTH);
		reads += DEPTH;

		for (int i = 0; i < DEPTH; i++)
			io_prep_pwrite(&iocbs[i], out, buffers[i], BLOCK, (first + i) * BLOCK);
		error = io_submit(ctx, DEPTH, batch);
		if (error < 0)
			die("io_submit", -error);
		bytes += reap(ctx, DEPTH);
		writes += DEPTH;
		nanosleep(&pause, NULL);
	}

	io_destroy(ctx);
	for (int i = 0; i < DEPTH; i++)
		free(buffers[i]);
	close(in);
	close(out);
	printf("%ld reads, %ld writes, %.1f MiB moved\n", reads, writes, (double)bytes / (1024 * 1024));
	return 0;
}
