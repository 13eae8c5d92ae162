// SPDX-License-Identifier: MIT
/* io_uring: requests that complete once, several times, twice, or not at all, and what happens to them meanwhile. */
#include "pair-state.h"

#define CQE_MORE (1u << 1)
#define CQE_NOTIF (1u << 3)
#define IORING_OP_MSG_RING 40
#define IORING_OP_SEND_ZC 47
#define IORING_OP_SENDMSG_ZC 48

static void emit_instant(struct pairing *pairing, enum instant_kind kind, const struct record *record, int64_t value)
{
	struct instant instant = { .kind = kind, .time = record->time, .pid = record->pid, .tid = record->tid,
				   .ring = record->ring, .value = value };

	stream_instant(pairing->stream, &instant);
}

/* One completion of a request that stays. */
static void shot(struct pairing *pairing, uint32_t index, const struct record *record, uint32_t flags)
{
	struct op *op = op_at(pairing, index);
	struct span span = op->span;

	span.end = record->time;
	span.result = record->value;
	span.flags |= SPAN_MULTISHOT_MORE | flags;
	pairing_emit(pairing, &span);
	op->span.start = record->time;
}

static bool is_zero_copy(uint8_t op)
{
	return op == IORING_OP_SEND_ZC || op == IORING_OP_SENDMSG_ZC;
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
	pairing_emit(pairing, &span);
}

/* The first completion of a zero-copy send: the request is over, and its buffer not yet free. */
static void await_notification(struct pairing *pairing, uint32_t index, uint64_t time)
{
	struct span span = op_at(pairing, index)->span;

	flight_remove(&pairing->flight, index);
	/* at no address: that of the request may come again */
	index = flight_add(&pairing->flight, (uint64_t)span.ring << 48, span.user_data);
	struct op *op = op_at(pairing, index);
	span.slot = op->span.slot;
	span.start = time;
	span.parted = 0;
	span.flags = (span.flags & (SPAN_SQPOLL | SPAN_FIXED_FILE | SPAN_SAMPLED | SPAN_FIXED_BUFFER)) | SPAN_NOTIFICATION;
	op->span = span;
	op->notify = true;
}

static void notified(struct pairing *pairing, const struct record *record)
{
	bool several;
	uint32_t index = flight_find_user(&pairing->flight, record->ring, record->user_data, true, &several);

	if (index != NO_OP)
		pairing_end(pairing, index, record->time, record->value, several ? SPAN_APPROXIMATE : 0);
}

/* A completion of a kernel that does not tell the request. */
static void complete_oldest(struct pairing *pairing, const struct record *record, uint32_t index, bool several)
{
	if (index != NO_OP)
		pairing_end(pairing, index, record->time, record->value, several ? SPAN_APPROXIMATE : 0);
	else if (ring_of(pairing, record->ring)->existed)
		pairing->extra[API_IO_URING] -= !(record->length & CQE_MORE);
	else
		pairing->unpaired++;
}

static void complete(struct pairing *pairing, const struct record *record)
{
	bool existed = ring_of(pairing, record->ring)->existed, several;
	uint32_t flags = (record->flags & RECORD_DIRECT ? SPAN_DIRECT : 0) | (record->flags & RECORD_SIGNALS ? SPAN_SIGNALS : 0);
	uint32_t index;

	if (record->length & CQE_NOTIF) {
		notified(pairing, record);
		return;
	}

	if (record->flags & RECORD_HAS_REQUEST) {
		index = flight_find(&pairing->flight, key_of(record));
		if (index != NO_OP && record->length & CQE_MORE && is_zero_copy(op_at(pairing, index)->span.op)) {
			struct op *op = op_at(pairing, index);
			op->span.end = record->time;
			op->span.result = record->value;
			op->span.flags |= flags;
			pairing_emit(pairing, &op->span);
			await_notification(pairing, index, record->time);
		} else if (index != NO_OP)
			pairing_end(pairing, index, record->time, record->value, flags);
		else if (existed)
			pairing->extra[API_IO_URING]--;
		else
			pairing->unpaired++;
		return;
	}
	index = flight_find_user(&pairing->flight, record->ring, record->user_data, false, &several);
	if (record->length & CQE_MORE && index != NO_OP)
		shot(pairing, index, record, flags | (several ? SPAN_APPROXIMATE : 0));
	else if (record->flags & RECORD_BY_USER_DATA)
		complete_oldest(pairing, record, index, several);
	else if (!existed)
		foreign(pairing, record);
}

static void overflow(struct pairing *pairing, const struct record *record)
{
	bool several;
	uint32_t index = flight_find_user(&pairing->flight, record->ring, record->user_data, false, &several);
	uint32_t flags = SPAN_OVERFLOW | (several ? SPAN_APPROXIMATE : 0);

	emit_instant(pairing, INSTANT_CQ_OVERFLOW, record, record->value);
	if (index == NO_OP)
		return;
	if (record->length & CQE_MORE)
		shot(pairing, index, record, flags);
	else
		pairing_end(pairing, index, record->time, record->value, flags);
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
	if (record->type != RECORD_LINK_FAILED && !op->span.parted)
		op->span.parted = record->time - op->span.start + 1;
}

/* A request is put behind another one, which may be the chain's head. */
static void link(struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));
	uint32_t before = flight_find(&pairing->flight, (record->user_data & KEY_MASK) | (uint64_t)record->ring << 48);

	if (index == NO_OP || before == NO_OP)
		return;
	struct span *head = &op_at(pairing, before)->span, *span = &op_at(pairing, index)->span;
	if (!head->chain)
		head->chain = ++pairing->chains;
	span->chain = head->chain;
	head->flags |= SPAN_LINKED;
	span->flags |= SPAN_LINKED;
}

/* Told by the second program: whether the first one had told it, see again.bpf.h. */
static bool is_told(const struct pairing *pairing, const struct record *record)
{
	uint32_t index = flight_find(&pairing->flight, key_of(record));

	if (record->type == RECORD_COMPLETE_AGAIN)
		return record->flags & RECORD_HAS_REQUEST && index == NO_OP && !pairing->flight.rings[record->ring].existed;
	if (index == NO_OP)
		return false;
	const struct span *span = &pairing->flight.ops[index].span;
	return span->tid == record->tid && span->op == record->op && span->user_data == record->user_data;
}

void pairing_uring(struct pairing *pairing, const struct record *record)
{
	uint32_t index;

	switch ((enum record_type)record->type) {
	case RECORD_SUBMIT:
		pairing_begin(pairing, record, API_IO_URING);
		break;
	case RECORD_SUBMIT_AGAIN:
		if (is_told(pairing, record))
			break;
		pairing->found++;
		pairing_begin(pairing, record, API_IO_URING);
		break;
	case RECORD_REJECT:
		index = pairing_begin(pairing, record, API_IO_URING);
		op_at(pairing, index)->span.flags |= SPAN_REJECTED;
		break;
	case RECORD_COMPLETE:
		complete(pairing, record);
		break;
	case RECORD_COMPLETE_AGAIN:
		if (is_told(pairing, record))
			break;
		pairing->extra[API_IO_URING] += !!(record->flags & RECORD_HAS_REQUEST);
		complete(pairing, record);
		break;
	case RECORD_OVERFLOW:
		overflow(pairing, record);
		break;
	case RECORD_LINK:
		link(pairing, record);
		break;
	case RECORD_PUNT:
	case RECORD_POLL:
	case RECORD_LINK_FAILED:
		mark(pairing, record);
		break;
	case RECORD_SHORT_WRITE:
		emit_instant(pairing, INSTANT_SHORT_WRITE, record, record->value);
		break;
	case RECORD_REGISTER:
		emit_instant(pairing, INSTANT_REGISTER, record, record->value);
		break;
	case RECORD_SECURITY:
		emit_instant(pairing, INSTANT_SECURITY, record, record->value);
		break;
	default:
		break;
	}
}
