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

void merge_run(struct merge *merge, __u64 until, void (*record)(void *context, const struct record *),
	       void (*notice)(void *context, const struct notice *), void *context)
{
	size_t r = 0, n = 0;

	for (;;) {
		__u64 next_record = r < merge->record_count ? merge->records[r].time : UINT64_MAX;
		__u64 next_notice = n < merge->notice_count ? merge->notices[n]->time : UINT64_MAX;
		if (n < merge->notice_count && next_notice <= until && next_notice <= next_record) {
			notice(context, merge->notices[n]);
			free(merge->notices[n++]);
		} else if (r < merge->record_count && next_record <= until) {
			record(context, &merge->records[r++]);
		} else {
			break;
		}
	}
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
}
