// SPDX-License-Identifier: MIT
/*
 * Puts what the kernel programs wrote, into lanes and into the shared buffers, into the order of its times. Everything is held back for a
 * moment, so that a record that was begun earlier and written later still finds its place.
 */
#ifndef RINGLIGHT_MERGE_H
#define RINGLIGHT_MERGE_H

#include <stddef.h>
#include "lanes.h"
#include "record.h"

struct merge {
	struct lanes lanes;
	struct record *records;
	size_t record_count, record_capacity;
	struct notice **notices;
	size_t notice_count, notice_capacity;
};

void merge_record(struct merge *merge, const struct record *record);
void merge_notice(struct merge *merge, const struct notice *notice, size_t size);
/* Hands over what is not newer than `until`, oldest first; a notice before a record of the same time. */
void merge_run(struct merge *merge, __u64 until, void (*take_record)(void *context, const struct record *),
	       void (*take_notice)(void *context, const struct notice *), void *context);
void merge_free(struct merge *merge);

#endif
