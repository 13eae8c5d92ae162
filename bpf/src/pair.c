// SPDX-License-Identifier: MIT
#include "pair.h"
#include "flight.h"

#include <stdlib.h>

#define CQE_MORE (1u << 1)
#define IORING_OP_MSG_RING 40

/* An io_submit that has begun, with its iocbs in order. */
struct submit_call {
	uint32_t tid, first, last;
};

struct pairing {
	struct stream *stream;
	struct names *names;
	struct flight flight;
	struct submit_call *calls;
	uint32_t call_count, call_capacity;
	int64_t extra[API_COUNT];
	uint64_t unpaired;
};

struct pairing *pairing_new(struct stream *stream, struct names *names)
{
	struct pairing *pairing = resized(NULL, 1, sizeof(*pairing));

	*pairing = (struct pairing){ .stream = stream, .names = names };
	flight_open(&pairing->flight);
	return pairing;
}

void pairing_free(struct pairing *pairing)
{
	flight_free(&pairing->flight);
	free(pairing->calls);
	free(pairing);
}

void pairing_ring(struct pairing *pairing, uint32_t ring, bool existed, bool sqpoll)
{
	pairing->flight.rings[ring & 0xffff].existed = existed;
	pairing->flight.rings[ring & 0xffff].sqpoll = sqpoll;
}

static uint64_t key_of(const struct record *record)
{
	return record->key | (uint64_t)record->ring << 48;
}

static struct op *op_at(struct pairing *pairing, uint32_t index)
{
	return &pairing->flight.ops[index];
}

static struct ring_state *ring_of(struct pairing *pairing, uint32_t ring)
{
	return &pairing->flight.rings[ring];
}

static void emit(struct pairing *pairing, const struct span *span)
{
	names_task(pairing->names, span->pid, span->tid, span->start);
	stream_span(pairing->stream, span);
}

static void emit_instant(struct pairing *pairing, enum instant_kind kind, const struct record *record, int64_t value)
{
	struct instant instant = { .kind = kind, .time = record->time, .pid = record->pid, .tid = record->tid,
				   .ring = record->ring, .value = value };

	stream_instant(pairing->stream, &instant);
}

/* Sends an operation's span and forgets the operation. */
static void finish(struct pairing *pairing, uint32_t index, uint64_t end, int64_t result, uint32_t flags)
{
	struct op *op = op_at(pairing, index);

	op->span.end = end;
	op->span.result = result;
	op->span.flags |= flags;
	emit(pairing, &op->span);
	flight_remove(&pairing->flight, index);
}

/* An operation whose end was not told: its completion was not wanted, or its record was lost. */
static void finish_inferred(struct pairing *pairing, uint32_t index, uint64_t end)
{
	struct op *op = op_at(pairing, index);

	if (op->span.api == API_LIBAIO && op->done) {
		/* reaped by reading the ring in user memory, which no system call tells */
		pairing->extra[API_LIBAIO]++;
		finish(pairing, index, op->done, op->span.result, 0);
		return;
	}
	if (op->skip || op->span.api == API_LIBAIO)
		pairing->extra[op->span.api]++;
	finish(pairing, index, end, 0, SPAN_END_INFERRED);
}

static uint32_t begin(struct pairing *pairing, const struct record *record, enum api api)
{
	uint32_t flags = record->flags;
	uint32_t old = flight_find(&pairing->flight, key_of(record));

	if (old != NO_OP)
		finish_inferred(pairing, old, record->time);
	uint32_t index = flight_add(&pairing->flight, key_of(record), record->user_data);
	struct op *op = op_at(pairing, index);
	op->async = flags & RECORD_ASYNC;
	op->skip = flags & RECORD_CQE_SKIP;
	op->span.api = api;
	op->span.op = record->op;
	op->span.start = record->time;
	op->span.pid = record->pid;
	op->span.tid = record->tid;
	op->span.fd = record->value;
	op->span.offset = record->offset;
	op->span.length = record->length;
	op->span.flags = (flags & (RECORD_LINKED | RECORD_HARDLINKED) ? SPAN_LINKED : 0) |
			 (ring_of(pairing, record->ring)->sqpoll ? SPAN_SQPOLL : 0) | (flags & RECORD_DIRECT ? SPAN_DIRECT : 0) |
			 (flags & RECORD_FIXED_FILE ? SPAN_FIXED_FILE : 0);
	if (op->span.fd >= 0 && !(flags & RECORD_FIXED_FILE))
		names_descriptor(pairing->names, record->pid, op->span.fd, flags & RECORD_DIRECT, record->time);
	return index;
}

/* One completion of a request that stays. */
static void shot(struct pairing *pairing, uint32_t index, const struct record *record, uint32_t flags)
{
	struct op *op = op_at(pairing, index);
	struct span span = op->span;

	span.end = record->time;
	span.result = record->value;
	span.flags |= SPAN_MULTISHOT_MORE | flags;
	emit(pairing, &span);
	op->span.start = record->time;
}

/* A completion that nobody on this ring asked for: another ring's message. */
static void foreign(struct pairing *pairing, const struct record *record)
{
	struct ring_state *ring = ring_of(pairing, record->ring);
	struct span span = {
		.api = API_IO_URING, .op = IORING_OP_MSG_RING, .flags = SPAN_FOREIGN, .start = record->time,
		.end = record->time, .pid = record->pid, .tid = record->tid, .ring = record->ring,
		.slot = slot_take(ring), .fd = -1, .offset = -1, .result = record->value,
		.user_data = record->user_data,
	};

	slot_give(ring, span.slot);
	emit(pairing, &span);
}

static void complete(struct pairing *pairing, const struct record *record)
{
	bool existed = ring_of(pairing, record->ring)->existed, several;
	uint32_t index;

	if (record->flags & RECORD_HAS_REQUEST) {
		index = flight_find(&pairing->flight, key_of(record));
		if (index != NO_OP)
			finish(pairing, index, record->time, record->value,
			       record->flags & RECORD_DIRECT ? SPAN_DIRECT : 0);
		else if (existed)
			pairing->extra[API_IO_URING]--;
		else
			pairing->unpaired++;
		return;
	}
	index = flight_find_user(&pairing->flight, record->ring, record->user_data, &several);
	if (record->length & CQE_MORE && index != NO_OP)
		shot(pairing, index, record, several ? SPAN_APPROXIMATE : 0);
	else if (!existed)
		foreign(pairing, record);
}

static void overflow(struct pairing *pairing, const struct record *record)
{
	bool several;
	uint32_t index = flight_find_user(&pairing->flight, record->ring, record->user_data, &several);
	uint32_t flags = SPAN_OVERFLOW | (several ? SPAN_APPROXIMATE : 0);

	emit_instant(pairing, INSTANT_CQ_OVERFLOW, record, record->value);
	if (index == NO_OP)
		return;
	if (record->length & CQE_MORE)
		shot(pairing, index, record, flags);
	else
		finish(pairing, index, record->time, record->value, flags);
}

static void mark(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));
	struct op *op = index == NO_OP ? NULL : op_at(pairing, index);

	if (record->type == RECORD_LINK_FAILED)
		emit_instant(pairing, INSTANT_LINK_FAILED, record, (int64_t)record->user_data);
	if (!op)
		return;
	if (record->type == RECORD_PUNT)
		op->span.flags |= SPAN_PUNTED | (op->async ? SPAN_PUNT_EXPECTED : 0);
	else if (record->type == RECORD_POLL)
		op->span.flags |= SPAN_POLLED;
	else if (record->type == RECORD_LINK)
		op->span.flags |= SPAN_LINKED;
}

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
		finish(pairing, index, reap, result, SPAN_END_IS_REAP);
		return;
	}
	op->span.reap = reap > op->done ? reap - op->done + 1 : 1;
	finish(pairing, index, op->done, result, 0);
}

/* io_submit returned `accepted` (or -errno) after `duration` ns. */
static void end_call(struct pairing *pairing, struct submit_call *call, int64_t accepted, uint64_t time, uint64_t duration)
{
	uint32_t next, place = 0;

	for (uint32_t i = call->first; i != NO_OP; i = next, place++) {
		struct op *op = op_at(pairing, i);
		next = op->next_call;
		op->tentative = false;
		op->span.submit = duration + 1;
		if (place < accepted) {
			if (op->reaped)
				finish_reaped(pairing, i, op->reaped, op->span.result);
		} else if (accepted < 0 && place == 0) {
			finish(pairing, i, time, accepted, SPAN_REJECTED);
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
		end_call(pairing, call, INT64_MAX, record->time, 0);
		call = NULL;
	}
	uint32_t old = flight_find(&pairing->flight, key_of(record));
	if (old != NO_OP && op_at(pairing, old)->tentative)
		return;	/* the same iocb twice in one call: the first one stands for both */
	uint32_t index = begin(pairing, record, API_LIBAIO);
	op_at(pairing, index)->tentative = true;
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
			finish_inferred(pairing, i, record->time);
	}
}

void pairing_record(struct pairing *pairing, const struct record *record)
{
	uint32_t index;
	struct submit_call *call;

	ring_of(pairing, record->ring)->last = record->time;
	switch ((enum record_type)record->type) {
	case RECORD_SUBMIT:
		begin(pairing, record, API_IO_URING);
		break;
	case RECORD_REJECT:
		index = begin(pairing, record, API_IO_URING);
		op_at(pairing, index)->span.flags |= SPAN_REJECTED;
		break;
	case RECORD_COMPLETE:
		complete(pairing, record);
		break;
	case RECORD_OVERFLOW:
		overflow(pairing, record);
		break;
	case RECORD_LINK:
		/* the chain's head is in the chain too */
		index = flight_find(&pairing->flight, (record->user_data & KEY_MASK) | (uint64_t)record->ring << 48);
		if (index != NO_OP)
			op_at(pairing, index)->span.flags |= SPAN_LINKED;
		mark(pairing, record);
		break;
	case RECORD_PUNT:
	case RECORD_POLL:
	case RECORD_LINK_FAILED:
		mark(pairing, record);
		break;
	case RECORD_SHORT_WRITE:
		emit_instant(pairing, INSTANT_SHORT_WRITE, record, record->value);
		break;
	case RECORD_AIO_SUBMIT:
		aio_submit(pairing, record);
		break;
	case RECORD_AIO_SUBMITTED:
		call = call_of(pairing, record->tid);
		if (call)
			end_call(pairing, call, record->value, record->time, record->offset);
		break;
	case RECORD_AIO_DONE:
		index = flight_find(&pairing->flight, key_of(record));
		/* the first to say so was there: the end of direct I/O is told again by the context's ring */
		if (index != NO_OP && !op_at(pairing, index)->done) {
			op_at(pairing, index)->done = record->time;
			op_at(pairing, index)->span.result = record->offset;
		}
		break;
	case RECORD_AIO_REAP:
		aio_reap(pairing, record);
		break;
	case RECORD_AIO_DESTROY:
		aio_destroy(pairing, record);
		break;
	case RECORD_SLEPT:
	case RECORD_CALL:
	case RECORD_STACK:
		/* no program sends them yet */
		break;
	case RECORD_REGISTER:
		emit_instant(pairing, INSTANT_REGISTER, record, record->value);
		break;
	case RECORD_SECURITY:
		emit_instant(pairing, INSTANT_SECURITY, record, record->value);
		break;
	}
}

bool pairing_request(const struct pairing *pairing, uint32_t ring, uint64_t address, uint32_t *pid, int32_t *fd,
		     bool *fixed)
{
	uint32_t index = flight_find(&pairing->flight, (address & KEY_MASK) | (uint64_t)ring << 48);

	if (index == NO_OP)
		return false;
	*pid = pairing->flight.ops[index].span.pid;
	*fd = pairing->flight.ops[index].span.fd;
	*fixed = pairing->flight.ops[index].span.flags & SPAN_FIXED_FILE;
	return true;
}

void pairing_finish(struct pairing *pairing, uint64_t now)
{
	for (uint32_t i = 0; i < pairing->flight.count; i++) {
		struct op *op = op_at(pairing, i);
		if (!op->used)
			continue;
		if (op->done)
			finish(pairing, i, op->done, op->span.result, 0);
		else if (op->skip)
			finish_inferred(pairing, i, ring_of(pairing, op->span.ring)->last);
		else
			finish(pairing, i, now, 0, SPAN_UNFINISHED);
	}
}

int64_t pairing_extra(const struct pairing *pairing, enum api api)
{
	return pairing->extra[api];
}

uint64_t pairing_unpaired(const struct pairing *pairing)
{
	return pairing->unpaired;
}
