// SPDX-License-Identifier: MIT
/*
 * How much is told. When the loader or its reader can not keep up, only a sample of the operations is told, then a smaller
 * one, then only histograms; when all is calm again, more.
 */
#ifndef RINGLIGHT_PACE_H
#define RINGLIGHT_PACE_H

#include <stdint.h>
#include "options.h"

struct pace {
	enum telling telling;
	uint32_t sample;	/* one in so many, at the first step down */
	uint32_t step;		/* down from everything */
	uint64_t changed, calm;	/* since when; 0: it is not calm */
	uint64_t patience;	/* ns of calm before it goes up */
};

void pace_start(struct pace *pace, enum telling telling, uint32_t sample);
/* One operation in so many is told; 1 is each, 0 none. */
uint32_t pace_every(const struct pace *pace);
/* `kernel` and `reader`: shares of the kernel's and the reader's queue that are full. Returns whether pace_every changed. */
bool pace_adapt(struct pace *pace, uint64_t now, double kernel, double reader);

#endif
