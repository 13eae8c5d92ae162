// SPDX-License-Identifier: MIT
/*
 * aio-known FILE COUNT: COUNT each of PWRITE and PREAD with O_DIRECT, COUNT buffered PREADs, one FSYNC, one
 * submission that the kernel refuses, and two kinds of operations of some milliseconds that are measured one by
 * one: polls of a pipe that becomes readable after five, and direct reads of eight MiB.
 */
#include "support.h"
#include <libaio.h>
#include <poll.h>
#include <pthread.h>

#define BLOCK 4096
#define LARGE (8 << 20)
#define BATCH 8
#define POLLS 9
#define LARGES 9

static io_context_t context;

static void submit(int count, struct iocb **iocbs)
{
	if (must(io_submit(context, count, iocbs), "io_submit") != count)
		exit(70);
}

static void reap(int count)
{
	struct io_event events[BATCH];

	if (must(io_getevents(context, count, count, events, NULL), "io_getevents") != count)
		exit(70);
	for (int i = 0; i < count; i++)
		must((long)events[i].res, "event");
}

static void *write_later(void *fd)
{
	usleep(5000);
	must(write(*(int *)fd, "x", 1), "write");
	return NULL;
}

int main(int argc, char **argv)
{
	struct iocb iocbs[BATCH], *list[BATCH];
	uint64_t polls[POLLS], larges[LARGES];
	int ends[2];

	if (argc != 3)
		return 64;
	int count = atoi(argv[2]) / BATCH * BATCH;
	int direct = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600), argv[1]);
	int buffered = must(open(argv[1], O_RDONLY), argv[1]);
	char *memory = aligned(LARGE);
	must(pwrite(direct, memory, LARGE, 0), "pwrite");
	must(io_setup(BATCH, &context), "io_setup");
	for (int i = 0; i < BATCH; i++)
		list[i] = &iocbs[i];

	for (int kind = 0; kind < 3; kind++) {
		for (int done = 0; done < count; done += BATCH) {
			for (int i = 0; i < BATCH; i++) {
				long long offset = (long long)(done + i) * BLOCK % LARGE;
				if (kind == 0)
					io_prep_pwrite(&iocbs[i], direct, memory + i * BLOCK, BLOCK, offset);
				else
					io_prep_pread(&iocbs[i], kind == 1 ? direct : buffered, memory + i * BLOCK, BLOCK, offset);
				iocbs[i].data = (void *)(long)(done + i);
			}
			submit(BATCH, list);
			reap(BATCH);
		}
	}
	io_prep_fsync(&iocbs[0], direct);
	submit(1, list);
	reap(1);

	io_prep_pread(&iocbs[0], 999, memory, BLOCK, 0);
	int refused = io_submit(context, 1, list);

	must(pipe(ends), "pipe");
	for (int i = 0; i < POLLS; i++) {
		pthread_t thread;
		char byte;
		io_prep_poll(&iocbs[0], ends[0], POLLIN);
		uint64_t start = now_ns();
		submit(1, list);
		pthread_create(&thread, NULL, write_later, &ends[1]);
		reap(1);
		polls[i] = now_ns() - start;
		pthread_join(thread, NULL);
		must(read(ends[0], &byte, 1), "read");
	}
	for (int i = 0; i < LARGES; i++) {
		io_prep_pread(&iocbs[0], direct, memory, LARGE, 0);
		uint64_t start = now_ns();
		submit(1, list);
		reap(1);
		larges[i] = now_ns() - start;
	}
	printf("{\"pid\":%d,\"refused\":%d,\"ops\":{\"PWRITE\":%d,\"PREAD\":%d,\"FSYNC\":1,\"POLL\":%d},\"buffered\":%d,",
	       getpid(), refused, count, 2 * count + LARGES, POLLS, count);
	print_list("poll_ns", polls, POLLS);
	printf(",");
	print_list("large_ns", larges, LARGES);
	printf("}\n");
	must(io_destroy(context), "io_destroy");
	return 0;
}
