// SPDX-License-Identifier: MIT
/*
 * libaio: an operation is told when io_submit begins, may be done and even reaped before that returns, and counts only
 * if io_submit accepted it.
 */
#include "pair-state.h"

#include <stdlib.h>

static struct submit_call *call_of(struct pairing *pairing, uint32_t tid)
{
	for (uint32_t i = 0; i < pairing->call_count; i++)
		if (pairing->calls[i].tid == tid)
			return &pairing->calls[i];
	return NULL;
}

/* Sends a libaio operation that is done, at `reap`. */
static void finish_reaped(struct pairing *pairing, uint32_t index, uint64_t reap, int64_t result)
{
	struct op *op = op_at(pairing, index);

	if (!op->done) {
		pairing_end(pairing, index, reap, result, SPAN_END_IS_REAP);
		return;
	}
	op->span.reap = reap > op->done ? reap - op->done + 1 : 1;
	pairing_end(pairing, index, op->done, result, 0);
}

/* io_submit, called with that stack, returned `accepted` (or -errno) after `duration` ns. */
static void end_call(struct pairing *pairing, struct submit_call *call, int64_t accepted, uint64_t time, uint64_t duration,
		     uint32_t stack)
{
	uint32_t next, place = 0;

	for (uint32_t i = call->first; i != NO_OP; i = next, place++) {
		struct op *op = op_at(pairing, i);
		next = op->next_call;
		op->tentative = false;
		op->span.submit = duration + 1;
		op->span.stack = stack;
		if (place < accepted) {
			if (op->reaped)
				finish_reaped(pairing, i, op->reaped, op->span.result);
		} else if (accepted < 0 && place == 0) {
			pairing_end(pairing, i, time, accepted, SPAN_REJECTED);
		} else {
			flight_remove(&pairing->flight, i);
		}
	}
	*call = pairing->calls[--pairing->call_count];
}

static void aio_submit(struct pairing *pairing, const struct record *record)
{
	struct submit_call *call = call_of(pairing, record->tid);

	if (call && record->flags & RECORD_FIRST) {
		/* the record of its return was lost: take it that all were accepted */
		end_call(pairing, call, INT64_MAX, record->time, 0, 0);
		call = NULL;
	}
	uint32_t old = flight_find(&pairing->flight, key_of(record));
	if (old != NO_OP && op_at(pairing, old)->tentative)
		return;	/* the same iocb twice in one call: the first one stands for both */
	uint32_t index = pairing_begin(pairing, record, API_LIBAIO);
	op_at(pairing, index)->tentative = true;
	op_at(pairing, index)->span.flags |= record->flags & RECORD_SIGNALS ? SPAN_SIGNALS : 0;
	if (call) {
		op_at(pairing, call->last)->next_call = index;
		call->last = index;
		return;
	}
	if (pairing->call_count == pairing->call_capacity) {
		pairing->call_capacity = pairing->call_capacity ? pairing->call_capacity * 2 : 16;
		pairing->calls = resized(pairing->calls, pairing->call_capacity, sizeof(*pairing->calls));
	}
	pairing->calls[pairing->call_count++] = (struct submit_call){ .tid = record->tid, .first = index, .last = index };
}

static void aio_reap(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));

	if (index == NO_OP) {
		if (ring_of(pairing, record->ring)->existed)
			pairing->extra[API_LIBAIO]--;
		else
			pairing->unpaired++;
		return;
	}
	struct op *op = op_at(pairing, index);
	if (op->tentative) {
		op->reaped = record->time;
		op->span.result = record->offset;
	} else {
		finish_reaped(pairing, index, record->time, record->offset);
	}
}

/* io_destroy waits for what is in flight, and nobody can reap it any more. */
static void aio_destroy(struct pairing *pairing, const struct record *record)
{
	for (uint32_t i = 0; i < pairing->flight.count; i++) {
		struct op *op = op_at(pairing, i);
		if (op->used && op->span.ring == record->ring && !op->tentative)
			pairing_end_inferred(pairing, i, record->time);
	}
}

/* The first to say so was there: the end of direct I/O is told again by the context's ring. */
static void aio_done(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));

	if (index == NO_OP || op_at(pairing, index)->done)
		return;
	op_at(pairing, index)->done = record->time;
	op_at(pairing, index)->span.result = record->offset;
}

void pairing_aio(struct pairing *pairing, const struct record *record)
{
	switch ((enum record_type)record->type) {
	case RECORD_AIO_SUBMIT:
		aio_submit(pairing, record);
		break;
	case RECORD_AIO_DONE:
		aio_done(pairing, record);
		break;
	case RECORD_AIO_REAP:
		aio_reap(pairing, record);
		break;
	case RECORD_AIO_DESTROY:
		aio_destroy(pairing, record);
		break;
	default:
		break;
	}
}

void pairing_aio_submitted(struct pairing *pairing, const struct record *record, uint32_t stack)
{
	struct submit_call *call = call_of(pairing, record->tid);

	if (call)
		end_call(pairing, call, record->value, record->time, record->key, stack);
}

void pairing_aio_free(struct pairing *pairing)
{
	free(pairing->calls);
}
