// SPDX-License-Identifier: MIT
#include "lanes.h"
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#define CQE_MORE (1u << 1)

void lanes_open(struct lanes *lanes, struct lane *shared, struct record *places, uint32_t count, uint32_t size)
{
	*lanes = (struct lanes){ .lanes = shared, .places = places, .count = count, .size = size };
	lanes->views = resized(NULL, count, sizeof(*lanes->views));
	memset(lanes->views, 0, count * sizeof(*lanes->views));
}

void lanes_free(struct lanes *lanes)
{
	free(lanes->views);
	*lanes = (struct lanes){ 0 };
}

static struct record *place(const struct lanes *lanes, uint32_t lane, uint64_t at)
{
	return &lanes->places[(size_t)lane * lanes->size + (at & (lanes->size - 1))];
}

/* The first word, which is written last: nonzero once the record is whole. */
static uint64_t first_word(const struct record *record)
{
	return __atomic_load_n((const uint64_t *)record, __ATOMIC_ACQUIRE);
}

/* Time of a lane's next record; UINT64_MAX: it has none that is seen. */
static uint64_t next_time(const struct lanes *lanes, uint32_t lane)
{
	const struct lane_view *view = &lanes->views[lane];

	return view->at == view->head ? UINT64_MAX : place(lanes, lane, view->at)->time;
}

/* Finds the lane with the earliest record, and how far it may be followed before another one's turn comes. */
static void choose(struct lanes *lanes)
{
	uint64_t least = UINT64_MAX;

	lanes->limit = UINT64_MAX;
	for (uint32_t i = 0; i < lanes->count; i++) {
		uint64_t time = next_time(lanes, i);
		if (time < least) {
			lanes->limit = least;
			least = time;
			lanes->current = i;
		} else if (time < lanes->limit) {
			lanes->limit = time;
		}
	}
}

uint64_t lanes_look(struct lanes *lanes)
{
	uint64_t whole = UINT64_MAX;

	lanes->found = lanes_fill(lanes);
	for (uint32_t i = 0; i < lanes->count; i++) {
		struct lane_view *view = &lanes->views[i];
		uint64_t head = __atomic_load_n(&lanes->lanes[i].head, __ATOMIC_ACQUIRE);
		uint64_t at = view->head;
		while (at < head && first_word(place(lanes, i, at)))
			at++;
		view->head = at;
		if (at == head)
			continue;
		/* it can not be older than the one before it */
		uint64_t before = at > view->at ? place(lanes, i, at - 1)->time : view->last;
		if (before < whole)
			whole = before;
	}
	choose(lanes);
	return whole;
}

const struct record *lanes_first(struct lanes *lanes)
{
	uint32_t current = lanes->current;

	if (!lanes->count)
		return NULL;
	if (next_time(lanes, current) > lanes->limit || next_time(lanes, current) == UINT64_MAX)
		choose(lanes);
	current = lanes->current;
	return next_time(lanes, current) == UINT64_MAX ? NULL : place(lanes, current, lanes->views[current].at);
}

void lanes_next(struct lanes *lanes)
{
	struct lane_view *view = &lanes->views[lanes->current];
	const struct record *record = place(lanes, lanes->current, view->at);

	view->last = record->time;
	view->at++;
	if (record->type == RECORD_SUBMIT || record->type == RECORD_REJECT)
		lanes->submitted++;
	else if (record->type == RECORD_COMPLETE && record->flags & RECORD_HAS_REQUEST)
		lanes->completed++;
	else if (record->type == RECORD_OVERFLOW && lanes->overflow_completes && !(record->length & CQE_MORE))
		lanes->completed++;
}

void lanes_done(struct lanes *lanes)
{
	for (uint32_t i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lanes[i];
		for (uint64_t at = lane->tail; at < lanes->views[i].at; at++)
			*(uint64_t *)place(lanes, i, at) = 0;
		__atomic_store_n(&lane->tail, lanes->views[i].at, __ATOMIC_RELEASE);
	}
}

double lanes_fill(const struct lanes *lanes)
{
	double most = 0;

	for (uint32_t i = 0; i < lanes->count; i++) {
		double fill = (double)(__atomic_load_n(&lanes->lanes[i].head, __ATOMIC_RELAXED) - lanes->views[i].at) / lanes->size;
		most = fill > most ? fill : most;
	}
	return most;
}
