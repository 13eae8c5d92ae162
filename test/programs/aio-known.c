/*
 * aio-known FILE: a known number of libaio operations, direct and buffered, single and in batches, and large direct
 * reads that take milliseconds, each measured by the program itself. Prints what it issued, see report.h.
 */
#define _GNU_SOURCE
#include "report.h"
#include <fcntl.h>
#include <libaio.h>
#include <string.h>
#include <unistd.h>

enum { DIRECT_WRITES = 64, DIRECT_READS = 200, DEPTH = 8, BUFFERED_READS = 96, FSYNCS = 6, LARGE = 24, BLOCK = 4096 };
enum { LARGE_BYTES = 32 << 20 };

static io_context_t ctx;

static void finish(int count, struct iocb **list, long expected)
{
	struct io_event events[DEPTH];
	int seen = 0;

	require(io_submit(ctx, count, list) == count, "io_submit");
	while (seen < count) {
		int got = io_getevents(ctx, 1, count - seen, events, NULL);

		require(got > 0, "io_getevents");
		for (int i = 0; i < got; i++)
			require((long)events[i].res == expected, "an operation");
		seen += got;
	}
}

int main(int argc, char **argv)
{
	struct iocb iocbs[DEPTH], *list[DEPTH];
	void *memory = NULL;
	char *blocks;

	require(argc == 2, "usage");
	int direct = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0644);
	int buffered = open(argv[1], O_RDWR);
	require(direct >= 0 && buffered >= 0, "open");
	require(posix_memalign(&memory, BLOCK, LARGE_BYTES) == 0, "posix_memalign");
	blocks = memory;
	memset(blocks, 'a', LARGE_BYTES);
	require(pwrite(direct, blocks, LARGE_BYTES, 0) == LARGE_BYTES, "pwrite");
	require(io_setup(DEPTH, &ctx) == 0, "io_setup");
	for (int i = 0; i < DEPTH; i++)
		list[i] = &iocbs[i];

	for (int i = 0; i < DIRECT_WRITES; i++) {
		io_prep_pwrite(&iocbs[0], direct, blocks, BLOCK, (long long)i * BLOCK);
		finish(1, list, BLOCK);
	}
	for (int i = 0; i < DIRECT_READS; i += DEPTH) {
		for (int j = 0; j < DEPTH; j++)
			io_prep_pread(&iocbs[j], direct, blocks + j * BLOCK, BLOCK, (long long)(i + j) * BLOCK);
		finish(DEPTH, list, BLOCK);
	}
	for (int i = 0; i < BUFFERED_READS; i += DEPTH) {
		for (int j = 0; j < DEPTH; j++)
			io_prep_pread(&iocbs[j], buffered, blocks + j * BLOCK, BLOCK, (long long)(i + j) * BLOCK);
		finish(DEPTH, list, BLOCK);
	}
	for (int i = 0; i < FSYNCS; i++) {
		io_prep_fdsync(&iocbs[0], direct);
		finish(1, list, 0);
	}
	for (int i = 0; i < LARGE; i++) {
		int64_t start = now_ns();

		io_prep_pread(&iocbs[0], direct, blocks, LARGE_BYTES, 0);
		finish(1, list, LARGE_BYTES);
		report_latency(start);
	}
	io_destroy(ctx);
	report((const struct report_count[]){ { "PWRITE", DIRECT_WRITES }, { "PREAD", DIRECT_READS + BUFFERED_READS + LARGE },
					      { "FDSYNC", FSYNCS }, { NULL, 0 } },
	       "PREAD");
	return 0;
}
