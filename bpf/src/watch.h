// SPDX-License-Identifier: MIT
/* What is looked at from time to time while a recording goes on: totals, pace, histograms, what hangs, threads, who uses what. */
#ifndef RINGLIGHT_WATCH_H
#define RINGLIGHT_WATCH_H

#include "census.h"
#include "pace.h"
#include "pair.h"
#include "threads.h"

struct watch {
	const struct options *options;
	struct programs *programs;
	struct pairing *pairing;
	struct tally *tally;
	struct stream *stream;
	struct pace pace;
	struct threads threads;
	struct departures departures;
	uint64_t next_look, next_histograms, next_census;
};

void watch_start(struct watch *watch, const struct options *options, struct programs *programs, struct pairing *pairing,
		 struct tally *tally, struct stream *stream);
/* To be called with every tick. `buffered`: the share of a ring buffer that was full when it was drained. */
void watch_tick(struct watch *watch, const struct lanes *lanes, double buffered, uint64_t now);
/* The recording ends: what was counted and not yet told. */
void watch_end(struct watch *watch, uint64_t now);
/* A process is gone. */
void watch_departure(struct watch *watch, uint32_t pid, uint64_t time);
void watch_free(struct watch *watch);

#endif
