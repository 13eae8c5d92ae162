// SPDX-License-Identifier: MIT
/*
 * uring-flood polls COUNT: so many operations in flight at once, which wait for an event and get it in the end.
 * uring-flood shots COUNT: the same, each completing twice: a multishot request that is cancelled after its event.
 * uring-flood files COUNT FOLDER: a read of each of so many files.
 */
#include "support.h"
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define BATCH 4096
#define MOST_CQES 65536

static struct io_uring ring;

static struct io_uring_sqe *next(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe)
		exit(70);
	return sqe;
}

static void submit(void)
{
	must(io_uring_submit(&ring), "io_uring_submit");
}

static void reap(int count)
{
	struct io_uring_cqe *cqe;

	for (; count > 0; count--) {
		must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
		io_uring_cqe_seen(&ring, cqe);
	}
}

/* Each batch waits for an event of its own, so that its completions have room. */
static void poll_all(int count, bool shots)
{
	int events[count / BATCH + 1];

	for (int i = 0; i < count; i++) {
		if (i % BATCH == 0)
			events[i / BATCH] = must(eventfd(0, EFD_NONBLOCK), "eventfd");
		struct io_uring_sqe *sqe = next();
		if (shots)
			io_uring_prep_poll_multishot(sqe, events[i / BATCH], POLLIN);
		else
			io_uring_prep_poll_add(sqe, events[i / BATCH], POLLIN);
		io_uring_sqe_set_data64(sqe, i);
		if (i % BATCH == BATCH - 1 || i == count - 1)
			submit();
	}
	for (int from = 0; from < count; from += BATCH) {
		uint64_t one = 1;
		must(write(events[from / BATCH], &one, sizeof(one)), "write");
		reap(from + BATCH < count ? BATCH : count - from);
	}
	if (!shots)
		return;
	io_uring_prep_cancel(next(), NULL, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	submit();
	reap(count + 1);
}

static void read_all(int count, const char *folder)
{
	char path[4096], byte;

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		int fd = must(open(path, O_CREAT | O_RDWR, 0600), path);
		must(write(fd, "x", 1), "write");
		io_uring_prep_read(next(), fd, &byte, 1, 0);
		submit();
		reap(1);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = MOST_CQES };

	if (argc < 3)
		return 64;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	must(io_uring_queue_init_params(BATCH, &ring, &params), "io_uring_queue_init_params");
	int count = atoi(argv[2]);
	if (strcmp(argv[1], "files") == 0) {
		read_all(count, argv[3]);
		printf("{\"pid\":%d,\"ops\":{\"READ\":%d}}\n", getpid(), count);
	} else if (strcmp(argv[1], "shots") == 0) {
		poll_all(count, true);
		printf("{\"pid\":%d,\"ops\":{\"POLL_ADD\":%d,\"ASYNC_CANCEL\":1}}\n", getpid(), 2 * count);
	} else {
		poll_all(count, false);
		printf("{\"pid\":%d,\"ops\":{\"POLL_ADD\":%d}}\n", getpid(), count);
	}
	return 0;
}
