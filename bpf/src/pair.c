// SPDX-License-Identifier: MIT
#include "pair-state.h"

#include <stdlib.h>

#define IORING_SETUP_SQPOLL (1u << 1)

struct pairing *pairing_new(struct stream *stream, struct names *names, struct tally *tally, struct stacks *stacks)
{
	struct pairing *pairing = resized(NULL, 1, sizeof(*pairing));

	*pairing = (struct pairing){ .stream = stream, .names = names, .tally = tally, .stacks = stacks };
	flight_open(&pairing->flight);
	return pairing;
}

void pairing_free(struct pairing *pairing)
{
	flight_free(&pairing->flight);
	pairing_aio_free(pairing);
	pairing_posix_free(pairing);
	pairing_call_free(pairing);
	free(pairing);
}

static bool is_busy(const struct ring_state *ring)
{
	for (uint32_t word = 0; word < ring->words; word++)
		if (ring->slots[word])
			return true;
	return false;
}

/* What was in flight on a ring that is gone is over. */
static void end_ring(struct pairing *pairing, uint32_t ring)
{
	if (!is_busy(ring_of(pairing, ring)))
		return;
	for (uint32_t i = 0; i < pairing->flight.count; i++)
		if (op_at(pairing, i)->used && op_at(pairing, i)->span.ring == ring)
			pairing_end_inferred(pairing, i, ring_of(pairing, ring)->last);
}

void pairing_ring(struct pairing *pairing, const struct notice *notice)
{
	struct ring_state *ring = ring_of(pairing, notice->ring & 0xffff);

	/* the number of a ring that is gone */
	if (ring->pid)
		end_ring(pairing, notice->ring & 0xffff);
	if (notice->ring > pairing->flight.last_ring)
		pairing->flight.last_ring = notice->ring & 0xffff;
	ring->existed = notice->existed;
	ring->sqpoll = notice->api == API_IO_URING && notice->flags & IORING_SETUP_SQPOLL;
	ring->api = notice->api;
	ring->pid = notice->pid;
	ring->begun = ring->ended = 0;
	ring->context = notice->api == API_IO_URING ? notice->key : 0;
}

bool pairing_ring_over(struct pairing *pairing, uint32_t number, struct ring_count counted)
{
	struct ring_state *ring = ring_of(pairing, number & 0xffff);

	if (is_busy(ring))
		return false;
	ring->pid = 0;
	ring->context = 0;
	ring->counted = counted;
	return true;
}

uint32_t pairing_last_ring(const struct pairing *pairing)
{
	return pairing->flight.last_ring;
}

const struct ring_state *pairing_ring_state(const struct pairing *pairing, uint32_t ring)
{
	return &pairing->flight.rings[ring & 0xffff];
}

void pairing_emit(struct pairing *pairing, const struct span *span)
{
	struct span sampled;

	ring_of(pairing, span->ring & 0xffff)->ended++;
	if (tally_takes(pairing->tally, span))
		return;
	if (tally_samples(pairing->tally, span)) {
		sampled = *span;
		sampled.flags |= SPAN_SAMPLED;
		span = &sampled;
	}
	names_task(pairing->names, span->pid, span->tid, span->start);
	stream_span(pairing->stream, span);
}

void pairing_end(struct pairing *pairing, uint32_t index, uint64_t end, int64_t result, uint32_t flags)
{
	struct op *op = op_at(pairing, index);

	op->span.end = end;
	op->span.result = result;
	op->span.flags |= flags;
	pairing_emit(pairing, &op->span);
	flight_remove(&pairing->flight, index);
}

void pairing_end_inferred(struct pairing *pairing, uint32_t index, uint64_t end)
{
	struct op *op = op_at(pairing, index);

	if (pairing_posix_cancelled(pairing, index))
		return;
	if (op->span.api == API_LIBAIO && op->done) {
		/* reaped by reading the ring in user memory, which no system call tells */
		pairing->extra[API_LIBAIO]++;
		pairing_end(pairing, index, op->done, op->span.result, 0);
		return;
	}
	if (op->skip || op->span.api == API_LIBAIO)
		pairing->extra[op->span.api]++;
	pairing_end(pairing, index, end, 0, SPAN_END_INFERRED);
}

uint32_t pairing_begin(struct pairing *pairing, const struct record *record, enum api api)
{
	uint32_t flags = record->flags;
	uint32_t old = flight_find(&pairing->flight, key_of(record));

	if (old != NO_OP)
		pairing_end_inferred(pairing, old, record->time);
	uint32_t index = flight_add(&pairing->flight, key_of(record), record->user_data);
	struct op *op = op_at(pairing, index);
	/* drained: it waited for the ones before it, and a worker is how it goes on */
	op->async = flags & (RECORD_ASYNC | RECORD_DRAIN);
	op->skip = flags & RECORD_CQE_SKIP;
	ring_of(pairing, record->ring)->begun++;
	op->span.api = api;
	op->span.op = record->op;
	op->span.start = record->time;
	op->span.pid = record->pid;
	op->span.tid = record->tid;
	op->span.fd = record->value;
	op->span.offset = record->offset;
	op->span.length = record->length;
	op->span.stack = pairing_stack(pairing, record);
	op->span.flags = (flags & (RECORD_LINKED | RECORD_HARDLINKED) ? SPAN_LINKED : 0) |
			 (ring_of(pairing, record->ring)->sqpoll ? SPAN_SQPOLL : 0) | (flags & RECORD_DIRECT ? SPAN_DIRECT : 0) |
			 (flags & RECORD_FIXED_FILE ? SPAN_FIXED_FILE : 0);
	if (api == API_IO_URING)
		op->span.flags |= (flags & RECORD_SAMPLED ? SPAN_SAMPLED : 0) | (flags & RECORD_FIXED_BUFFER ? SPAN_FIXED_BUFFER : 0);
	if (op->span.fd >= 0 && !(flags & RECORD_FIXED_FILE))
		names_descriptor(pairing->names, record->pid, op->span.fd, flags & RECORD_DIRECT, record->time);
	return index;
}

void pairing_record(struct pairing *pairing, const struct record *record)
{
	ring_of(pairing, record->ring)->last = record->time;
	switch ((enum record_type)record->type) {
	case RECORD_SUBMIT:
	case RECORD_SUBMIT_AGAIN:
	case RECORD_REJECT:
	case RECORD_COMPLETE:
	case RECORD_COMPLETE_AGAIN:
	case RECORD_OVERFLOW:
	case RECORD_LINK:
	case RECORD_PUNT:
	case RECORD_POLL:
	case RECORD_LINK_FAILED:
	case RECORD_SHORT_WRITE:
	case RECORD_REGISTER:
	case RECORD_SECURITY:
		pairing_uring(pairing, record);
		break;
	case RECORD_AIO_SUBMIT:
	case RECORD_AIO_DONE:
	case RECORD_AIO_REAP:
	case RECORD_AIO_DESTROY:
		pairing_aio(pairing, record);
		break;
	case RECORD_POSIX_SUBMIT:
	case RECORD_POSIX_BEGIN:
	case RECORD_POSIX_END:
	case RECORD_POSIX_REFUSE:
	case RECORD_POSIX_CANCEL:
		pairing_posix(pairing, record);
		break;
	case RECORD_SLEPT:
	case RECORD_STACK:
	case RECORD_CALL:
		pairing_call(pairing, record);
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

void pairing_pending(struct pairing *pairing, uint64_t now, uint64_t age)
{
	for (uint32_t i = 0; i < pairing->flight.count; i++) {
		struct op *op = op_at(pairing, i);
		if (!op->used || op->told_pending || op->skip || op->tentative || op->done || op->cancelled || op->span.start + age > now)
			continue;
		op->told_pending = true;
		struct span span = op->span;
		span.end = now;
		names_task(pairing->names, span.pid, span.tid, span.start);
		stream_pending_span(pairing->stream, &span);
	}
}

void pairing_pending_untold(struct pairing *pairing, struct kernel_flight *flights, uint64_t now, uint64_t age)
{
	for (uint32_t i = 0; i < FLIGHTS; i++) {
		struct kernel_flight *flight = &flights[i];
		struct kernel_flight one = *flight;
		if (!one.key || one.told_pending || one.quiet || one.sampled || one.time + age > now)
			continue;
		const struct ring_state *ring = ring_of(pairing, one.ring);
		/* another request that takes the place at this moment would be told later, or not at all: it is only a hint */
		flight->told_pending = 1;
		struct span span = { .api = API_IO_URING, .op = one.op, .start = one.time, .end = now, .pid = ring->pid,
				     .tid = ring->pid, .ring = one.ring, .fd = -1, .offset = -1, .user_data = one.user_data,
				     .flags = one.punted ? SPAN_PUNTED : 0 };
		names_task(pairing->names, span.pid, span.tid, span.start);
		stream_pending_span(pairing->stream, &span);
	}
}

void pairing_finish(struct pairing *pairing, uint64_t now)
{
	for (uint32_t i = 0; i < pairing->flight.count; i++) {
		struct op *op = op_at(pairing, i);
		if (!op->used)
			continue;
		if (pairing_posix_cancelled(pairing, i))
			continue;
		if (op->done)
			pairing_end(pairing, i, op->done, op->span.result, 0);
		else if (op->skip)
			pairing_end_inferred(pairing, i, ring_of(pairing, op->span.ring)->last);
		else
			pairing_end(pairing, i, now, 0, SPAN_UNFINISHED);
	}
}

int64_t pairing_extra(const struct pairing *pairing, enum api api)
{
	return pairing->extra[api];
}

uint64_t pairing_found(const struct pairing *pairing)
{
	return pairing->found;
}

uint64_t pairing_unpaired(const struct pairing *pairing)
{
	return pairing->unpaired;
}
