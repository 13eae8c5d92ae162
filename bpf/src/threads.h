// SPDX-License-Identifier: MIT
/* The kernel's threads that work for rings: pollers of submission queues, and workers. */
#ifndef RINGLIGHT_THREADS_H
#define RINGLIGHT_THREADS_H

#include "pair.h"

#define MOST_THREADS 256

struct threads {
	struct watched_thread {
		uint32_t pid, tid;
		bool poller;
		uint64_t cpu, first_cpu;	/* ns, now and when it was first seen */
		uint64_t seen, first_seen;
	} list[MOST_THREADS];
	size_t count;
	uint64_t next_report;
};

/* Looks at the threads of the processes that have rings, and tells their CPU time twice a second. */
void threads_look(struct threads *threads, const struct pairing *pairing, struct stream *stream, uint64_t now);

#endif
