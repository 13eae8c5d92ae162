// SPDX-License-Identifier: MIT
/*
 * aio-cold FILE COUNT: COUNT libaio reads that the page cache does not hold, one a call, and COUNT with O_DIRECT: the former
 * make io_submit wait for the disk.
 */
#include "support.h"
#include <libaio.h>

#define BLOCK 4096
#define STRIDE (1 << 18)

int main(int argc, char **argv)
{
	struct iocb iocb, *list[] = { &iocb };
	struct io_event event;
	io_context_t context = NULL;

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]);
	int buffered = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	int direct = must(open(argv[1], O_RDONLY | O_DIRECT), argv[1]);
	char *memory = aligned(STRIDE);
	for (int i = 0; i < count; i++)
		must(pwrite(buffered, memory, STRIDE, (off_t)i * STRIDE), "pwrite");
	must(fsync(buffered), "fsync");
	must(posix_fadvise(buffered, 0, 0, POSIX_FADV_DONTNEED), "fadvise");
	must(posix_fadvise(buffered, 0, 0, POSIX_FADV_RANDOM), "fadvise");
	must(io_setup(1, &context), "io_setup");
	for (int i = 0; i < 2 * count; i++) {
		io_prep_pread(&iocb, i < count ? buffered : direct, memory, BLOCK, (off_t)(i % count) * STRIDE);
		must(io_submit(context, 1, list), "io_submit");
		must(io_getevents(context, 1, 1, &event, NULL), "io_getevents");
		must((long)event.res, "event");
	}
	printf("{\"pid\":%d,\"buffered\":%d,\"direct\":%d}\n", getpid(), buffered, direct);
	return 0;
}
