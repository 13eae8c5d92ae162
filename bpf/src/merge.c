// SPDX-License-Identifier: MIT
#include "merge.h"
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

void merge_record(struct merge *merge, const struct record *record)
{
	if (merge->record_count == merge->record_capacity) {
		merge->record_capacity = merge->record_capacity ? merge->record_capacity * 2 : 1024;
		merge->records = resized(merge->records, merge->record_capacity, sizeof(*merge->records));
	}
	/* nearly always the newest: they are late by microseconds, if at all */
	size_t at = merge->record_count++;
	for (; at > 0 && merge->records[at - 1].time > record->time; at--)
		merge->records[at] = merge->records[at - 1];
	merge->records[at] = *record;
}

void merge_notice(struct merge *merge, const struct notice *notice, size_t size)
{
	struct notice *copy = resized(NULL, size, 1);

	memcpy(copy, notice, size);
	if (merge->notice_count == merge->notice_capacity) {
		merge->notice_capacity = merge->notice_capacity ? merge->notice_capacity * 2 : 64;
		merge->notices = resized(merge->notices, merge->notice_capacity, sizeof(*merge->notices));
	}
	size_t at = merge->notice_count++;
	for (; at > 0 && merge->notices[at - 1]->time > copy->time; at--)
		merge->notices[at] = merge->notices[at - 1];
	merge->notices[at] = copy;
}

void merge_run(struct merge *merge, __u64 until, void (*take_record)(void *context, const struct record *),
	       void (*take_notice)(void *context, const struct notice *), void *context)
{
	size_t r = 0, n = 0;
	uint64_t whole = lanes_look(&merge->lanes);

	/* at the end nothing is waited for any more */
	if (whole < until && until != UINT64_MAX)
		until = whole;
	for (;;) {
		const struct record *buffered = r < merge->record_count ? &merge->records[r] : NULL;
		const struct record *record = lanes_first(&merge->lanes);
		bool from_lane = record && (!buffered || record->time <= buffered->time);
		if (!from_lane)
			record = buffered;
		uint64_t record_time = record ? record->time : UINT64_MAX;
		uint64_t notice_time = n < merge->notice_count ? merge->notices[n]->time : UINT64_MAX;
		if (n < merge->notice_count && notice_time <= until && notice_time <= record_time) {
			take_notice(context, merge->notices[n]);
			free(merge->notices[n++]);
		} else if (record && record_time <= until) {
			take_record(context, record);
			if (from_lane)
				lanes_next(&merge->lanes);
			else
				r++;
		} else {
			break;
		}
	}
	lanes_done(&merge->lanes);
	merge->record_count -= r;
	merge->notice_count -= n;
	if (r)
		memmove(merge->records, merge->records + r, merge->record_count * sizeof(*merge->records));
	if (n)
		memmove(merge->notices, merge->notices + n, merge->notice_count * sizeof(*merge->notices));
}

void merge_free(struct merge *merge)
{
	for (size_t i = 0; i < merge->notice_count; i++)
		free(merge->notices[i]);
	free(merge->notices);
	free(merge->records);
	lanes_free(&merge->lanes);
}
