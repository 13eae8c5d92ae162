// SPDX-License-Identifier: MIT
/*
 * posix-refused FILE: requests of POSIX AIO that nobody serves. On a pipe where a first read waits: one that is cancelled by
 * itself, and two that are cancelled with all of the descriptor; then functions that fail at once, and a list with one request that is refused.
 */
#include "support.h"
#include <aio.h>
#include <errno.h>

static char bytes[8];

static struct aiocb request(int fd, int place, off_t offset)
{
	return (struct aiocb){ .aio_fildes = fd, .aio_buf = &bytes[place], .aio_nbytes = 1, .aio_offset = offset,
			       .aio_sigevent.sigev_notify = SIGEV_NONE };
}

static void expect(int is, int wanted, const char *what)
{
	if (is == wanted)
		return;
	fprintf(stderr, "%s: %d (%s)\n", what, is, strerror(errno));
	exit(70);
}

static void wait_for(struct aiocb *one)
{
	const struct aiocb *list[] = { one };

	while (aio_error(one) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	expect(aio_return(one), 1, "aio_return");
}

int main(int argc, char **argv)
{
	struct aiocb reads[4], bad, good;
	int ends[2];

	if (argc != 2)
		return 64;
	int fd = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	must(write(fd, "x", 1), "write");
	must(pipe(ends), "pipe");
	for (int i = 0; i < 4; i++) {
		reads[i] = request(ends[0], i, 0);
		must(aio_read(&reads[i]), "aio_read");
		/* the first is taken up, and waits */
		if (i == 0)
			usleep(50000);
	}
	expect(aio_cancel(ends[0], &reads[1]), AIO_CANCELED, "aio_cancel of one");
	expect(aio_cancel(ends[0], &reads[0]), AIO_NOTCANCELED, "aio_cancel of the one that waits");
	expect(aio_cancel(ends[0], NULL), AIO_NOTCANCELED, "aio_cancel of all");
	for (int i = 1; i < 4; i++)
		expect(aio_error(&reads[i]), ECANCELED, "aio_error");
	must(write(ends[1], "y", 1), "write");
	wait_for(&reads[0]);

	bad = request(fd, 4, 0);
	bad.aio_reqprio = -1;
	expect(aio_write(&bad), -1, "aio_write");
	expect(errno, EINVAL, "aio_write");
	bad = request(999, 4, 0);
	expect(aio_fsync(O_SYNC, &bad), -1, "aio_fsync");
	expect(errno, EBADF, "aio_fsync");
	bad = request(fd, 4, 0);
	expect(aio_fsync(12345, &bad), -1, "aio_fsync");
	expect(errno, EINVAL, "aio_fsync");

	bad = request(fd, 5, 7);
	bad.aio_reqprio = -1;
	bad.aio_lio_opcode = LIO_READ;
	good = request(fd, 6, 0);
	good.aio_lio_opcode = LIO_READ;
	expect(lio_listio(LIO_WAIT, (struct aiocb *[]){ &bad, &good }, 2, NULL), -1, "lio_listio");
	wait_for(&good);
	/* not in use any more: the next one at its address is another */
	good.aio_offset = 0;
	must(aio_read(&good), "aio_read");
	wait_for(&good);
	printf("{\"pid\":%d,\"pipe\":%d,\"file\":%d}\n", getpid(), ends[0], fd);
	return 0;
}
