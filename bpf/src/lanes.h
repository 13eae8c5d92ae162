// SPDX-License-Identifier: MIT
/* Reads the lanes that the kernel programs write (lane.h), one record after the other in the order of their times. */
#ifndef RINGLIGHT_LANES_H
#define RINGLIGHT_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include "lane.h"

struct lanes {
	struct lane *lanes;		/* shared with the programs */
	struct record *places;		/* likewise: `size` for each of `count` lanes */
	uint32_t count, size;
	uint32_t current;		/* the lane the next record is taken from */
	uint64_t limit;			/* the smallest time of the others */
	double found;			/* share of the fullest lane that lanes_look found taken, 0 to 1 */
	struct lane_view {
		uint64_t at, head;	/* next place to read; first one not to */
		uint64_t last;		/* time of the last record that was read */
	} *views;
	bool overflow_completes;	/* an entry that overflows is not told as completed as well */
	uint64_t submitted, completed;	/* io_uring operations among what was read */
};

/* `size` is a power of two. */
void lanes_open(struct lanes *lanes, struct lane *shared, struct record *places, uint32_t count, uint32_t size);
void lanes_free(struct lanes *lanes);
/*
 * Sees what is there now. Returns the time up to which nothing can come any more that is not seen: that of a record that
 * a program is still writing.
 */
uint64_t lanes_look(struct lanes *lanes);
/* The earliest record, NULL if there is none; stays valid until lanes_done. */
const struct record *lanes_first(struct lanes *lanes);
/* Goes on to the one after lanes_first. */
void lanes_next(struct lanes *lanes);
/* What was read may be written over. */
void lanes_done(struct lanes *lanes);
/* Share of the fullest lane that is taken, 0 to 1. */
double lanes_fill(const struct lanes *lanes);

#endif
