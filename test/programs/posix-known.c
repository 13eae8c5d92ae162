// SPDX-License-Identifier: MIT
/*
 * posix-known FILE COUNT: COUNT POSIX AIO writes of one shared buffer and COUNT reads in flight together on two descriptors,
 * COUNT more by lio_listio, one fsync and one fdatasync, a read that fails, a read of a pipe that has to wait for five
 * milliseconds, and one that is cancelled. The same again by ordinary calls of another thread, which are none.
 */
#include "support.h"
#include <aio.h>
#include <pthread.h>
#include <signal.h>

#define BLOCK 4096
#define MOST 64

static struct aiocb requests[MOST];
static char *memory;

static void wait_for(struct aiocb *request, int error)
{
	const struct aiocb *list[] = { request };

	while (aio_error(request) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	if (aio_error(request) != error) {
		fprintf(stderr, "request: %s\n", strerror(aio_error(request)));
		exit(70);
	}
	aio_return(request);
}

static struct aiocb *prepare(int i, int fd, char *buffer, off_t offset)
{
	requests[i] = (struct aiocb){ .aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = BLOCK, .aio_offset = offset,
				      .aio_sigevent.sigev_notify = SIGEV_NONE };
	return &requests[i];
}

static void *plain(void *fd)
{
	for (int i = 0; i < 5; i++)
		must(pread(*(int *)fd, memory, BLOCK, (off_t)i * BLOCK), "pread");
	return NULL;
}

static void *write_later(void *fd)
{
	usleep(5000);
	must(write(*(int *)fd, "x", 1), "write");
	return NULL;
}

int main(int argc, char **argv)
{
	struct aiocb *list[MOST + 1] = { NULL };
	pthread_t thread;
	int files[2], ends[2];
	char byte;

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]);
	if (count > MOST)
		return 64;
	memory = aligned(BLOCK * MOST);
	files[0] = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	files[1] = must(open(argv[1], O_RDWR), argv[1]);

	/* one buffer for all: only the offset tells which is which */
	for (int i = 0; i < count; i++)
		must(aio_write(prepare(i, files[i % 2], memory, (off_t)i * BLOCK)), "aio_write");
	for (int i = 0; i < count; i++)
		wait_for(&requests[i], 0);
	for (int i = 0; i < count; i++)
		must(aio_read(prepare(i, files[i % 2], memory + i * BLOCK, (off_t)i * BLOCK)), "aio_read");
	for (int i = 0; i < count; i++)
		wait_for(&requests[i], 0);
	for (int i = 0; i < count; i++) {
		/* a hole, as lists may have */
		list[i < count / 2 ? i : i + 1] = prepare(i, files[0], memory + i * BLOCK, (off_t)i * BLOCK);
		requests[i].aio_lio_opcode = i % 2 ? LIO_WRITE : LIO_READ;
	}
	must(lio_listio(LIO_WAIT, list, count + 1, NULL), "lio_listio");
	must(aio_fsync(O_SYNC, prepare(0, files[0], NULL, 0)), "aio_fsync");
	wait_for(&requests[0], 0);
	must(aio_fsync(O_DSYNC, prepare(0, files[1], NULL, 0)), "aio_fsync");
	wait_for(&requests[0], 0);
	must(aio_read(prepare(0, 999, memory, 0)), "aio_read");
	wait_for(&requests[0], EBADF);

	must(pipe(ends), "pipe");
	prepare(0, ends[0], &byte, 0)->aio_nbytes = 1;
	uint64_t start = now_ns();
	must(aio_read(&requests[0]), "aio_read");
	pthread_create(&thread, NULL, write_later, &ends[1]);
	/* queued behind the first one, so nobody has begun it */
	prepare(1, ends[0], &byte, 0)->aio_nbytes = 1;
	must(aio_read(&requests[1]), "aio_read");
	if (aio_cancel(ends[0], &requests[1]) != AIO_CANCELED)
		return 70;
	wait_for(&requests[0], 0);
	uint64_t pipe_ns = now_ns() - start;
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, plain, &files[0]);
	pthread_join(thread, NULL);

	printf("{\"pid\":%d,\"ops\":{\"READ\":%d,\"WRITE\":%d,\"FSYNC\":2},\"files\":[%d,%d],\"pipe\":%d,\"pipe_ns\":%llu}\n", getpid(),
	       count + (count + 1) / 2 + 3, count + count / 2, files[0], files[1], ends[0], (unsigned long long)pipe_ns);
	return 0;
}
