// SPDX-License-Identifier: MIT
/*
 * POSIX AIO: the program asks, and a thread of the C library makes the system call. What joins the two is what the call is
 * about: buffer, descriptor, offset and size; the oldest request that agrees is the one. User_data is the buffer's address.
 */
#include "pair-state.h"

#include <errno.h>
#include <stdlib.h>

/* Nobody will serve the request. */
static void end_unserved(struct pairing *pairing, uint32_t index, uint64_t time, int64_t result, uint32_t flags)
{
	pairing->extra[API_POSIX_AIO]++;
	pairing_end(pairing, index, time, result, flags);
}

bool pairing_posix_cancelled(struct pairing *pairing, uint32_t index)
{
	uint64_t time = op_at(pairing, index)->cancelled;

	if (time)
		end_unserved(pairing, index, time, -ECANCELED, 0);
	return time;
}

static void asked(struct pairing *pairing, const struct record *record)
{
	uint32_t old = flight_find(&pairing->flight, key_of(record));

	/* a request may be used again when it is over: one that nobody served was cancelled */
	if (old != NO_OP && !pairing_posix_cancelled(pairing, old))
		end_unserved(pairing, old, record->time, -ECANCELED, SPAN_END_INFERRED);
	pairing_begin(pairing, record, API_POSIX_AIO);
}

static void refused(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));

	if (index != NO_OP && !op_at(pairing, index)->served)
		end_unserved(pairing, index, record->time, record->value, SPAN_REJECTED);
}

static void cancelled(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));

	if (record->key) {
		if (index != NO_OP)
			end_unserved(pairing, index, record->time, -ECANCELED, 0);
		return;
	}
	for (uint32_t i = 0; i < pairing->flight.count; i++) {
		struct op *op = op_at(pairing, i);
		if (op->used && !op->served && op->span.ring == record->ring && op->span.fd == record->value && !op->cancelled)
			op->cancelled = record->time;
	}
}

static struct serving *serving_of(struct pairing *pairing, uint32_t tid)
{
	for (uint32_t i = 0; i < pairing->serving_count; i++)
		if (pairing->serving[i].tid == tid)
			return &pairing->serving[i];
	return NULL;
}

static void begins(struct pairing *pairing, const struct record *record)
{
	uint32_t found = NO_OP;

	for (uint32_t i = NO_OP; (i = flight_older(&pairing->flight, record->ring, record->user_data, i)) != NO_OP;) {
		const struct op *op = op_at(pairing, i);
		if (!op->served && op->span.op == record->op && op->span.fd == record->value &&
		    op->span.offset == record->offset && op->span.length == record->length)
			found = i;
	}
	if (found == NO_OP)
		return;
	struct op *op = op_at(pairing, found);
	op->served = true;
	op->cancelled = 0;
	if (op->span.parted == 0)
		op->span.parted = record->time - op->span.start + 1;
	struct serving *serving = serving_of(pairing, record->tid);
	if (!serving) {
		if (pairing->serving_count == pairing->serving_capacity) {
			pairing->serving_capacity = pairing->serving_capacity ? pairing->serving_capacity * 2 : 16;
			pairing->serving = resized(pairing->serving, pairing->serving_capacity, sizeof(*pairing->serving));
		}
		serving = &pairing->serving[pairing->serving_count++];
	}
	*serving = (struct serving){ .tid = record->tid, .op = found, .key = op->key };
}

static void returned(struct pairing *pairing, const struct record *record)
{
	struct serving *serving = serving_of(pairing, record->tid);

	if (!serving)
		return;
	struct op *op = op_at(pairing, serving->op);
	if (!op->used || !op->served || op->key != serving->key) {
		/* the program used the request again too early */
	} else if (record->value == -ESPIPE && op->span.offset != -1) {
		/* what has no positions is read and written without them, at once */
		op->span.offset = -1;
		op->served = false;
	} else {
		pairing->extra[API_POSIX_AIO]++;
		pairing_end(pairing, serving->op, record->time, record->value, 0);
	}
	*serving = pairing->serving[--pairing->serving_count];
}

void pairing_posix(struct pairing *pairing, const struct record *record)
{
	if (record->type == RECORD_POSIX_SUBMIT)
		asked(pairing, record);
	else if (record->type == RECORD_POSIX_BEGIN)
		begins(pairing, record);
	else if (record->type == RECORD_POSIX_REFUSE)
		refused(pairing, record);
	else if (record->type == RECORD_POSIX_CANCEL)
		cancelled(pairing, record);
	else
		returned(pairing, record);
}

void pairing_posix_free(struct pairing *pairing)
{
	free(pairing->serving);
}
