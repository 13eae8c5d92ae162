// SPDX-License-Identifier: MIT
/* nop-storm SECONDS [RATE]: NOPs in batches of 32, as fast as they go or so many a second. */
#include "measure.h"
#include <liburing.h>

#define BATCH 32

static void sleep_until(uint64_t ns)
{
	struct timespec then = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL) == EINTR)
		;
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	uint64_t ops = 0;

	if (argc < 2 || argc > 3)
		return 64;
	uint64_t length = atof(argv[1]) * 1e9;
	double period = argc == 3 ? BATCH * 1e9 / atof(argv[2]) : 0;
	/* behind schedule, a paced run goes on until all it owes is issued */
	uint64_t owed = period > 0 ? length / period : UINT64_MAX;
	must(io_uring_queue_init(BATCH, &ring, 0), "io_uring_queue_init");

	struct stretch stretch = begin();
	for (uint64_t batch = 0; batch < owed; batch++) {
		if (period > 0) {
			uint64_t due = stretch.began + (uint64_t)(batch * period), now = now_ns();
			/* sleeping costs more than a batch: in steps of a millisecond */
			if (due > now)
				sleep_until(due + 1000000);
		} else if (batch % 64 == 0 && now_ns() - stretch.began >= length) {
			break;
		}
		for (int i = 0; i < BATCH; i++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		must(io_uring_submit_and_wait(&ring, BATCH), "io_uring_submit_and_wait");
		io_uring_cq_advance(&ring, BATCH);
		ops += BATCH;
	}
	print_costs(stretch, ops);
	return finish();
}
