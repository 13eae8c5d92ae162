// SPDX-License-Identifier: MIT
/*
 * What the parts of the pairing share: pair.c is the common one, pair-uring.c is io_uring's, pair-aio.c libaio's, pair-posix.c that of
 * POSIX AIO, pair-call.c system calls'.
 */
#ifndef RINGLIGHT_PAIR_STATE_H
#define RINGLIGHT_PAIR_STATE_H

#include "flight.h"
#include "pair.h"
#include "stacks.h"

/* An io_submit that has begun, with its iocbs in order. */
struct submit_call {
	uint32_t tid, first, last;
};

/* What a thread's records say about the call or submission that is told next. */
struct thread_notes {
	uint32_t tid, stack;
	uint64_t asleep, blocked;
	uint64_t key;		/* of the submission that has the stack */
};

/* A thread that serves a request of POSIX AIO. */
struct serving {
	uint32_t tid, op;
	uint64_t key;
};

struct pairing {
	struct stream *stream;
	struct names *names;
	struct stacks *stacks;
	struct tally *tally;
	uint32_t chains;	/* numbers given to chains of linked requests */
	struct flight flight;
	struct submit_call *calls;
	uint32_t call_count, call_capacity;
	struct thread_notes *notes;
	uint32_t note_count, note_capacity;
	struct serving *serving;
	uint32_t serving_count, serving_capacity;
	int64_t extra[API_COUNT];
	uint64_t unpaired;
	uint64_t found;		/* submissions that only a second program told */
};

static inline uint64_t key_of(const struct record *record)
{
	return record->key | (uint64_t)record->ring << 48;
}

static inline struct op *op_at(struct pairing *pairing, uint32_t index)
{
	return &pairing->flight.ops[index];
}

static inline struct ring_state *ring_of(struct pairing *pairing, uint32_t ring)
{
	return &pairing->flight.rings[ring];
}

/* Sends a span, after the names it needs. */
void pairing_emit(struct pairing *pairing, const struct span *span);
/* A new operation from a record of its submission; one at the same address must be over. */
uint32_t pairing_begin(struct pairing *pairing, const struct record *record, enum api api);
/* Sends an operation's span and forgets the operation. */
void pairing_end(struct pairing *pairing, uint32_t index, uint64_t end, int64_t result, uint32_t flags);
/* Likewise, where the end was not told: its completion was not wanted, or its record was lost. */
void pairing_end_inferred(struct pairing *pairing, uint32_t index, uint64_t end);

/* A record of io_uring's. */
void pairing_uring(struct pairing *pairing, const struct record *record);

/* A RECORD_AIO_* record. */
void pairing_aio(struct pairing *pairing, const struct record *record);
/* The RECORD_CALL of an io_submit, which has the stack of that number. */
void pairing_aio_submitted(struct pairing *pairing, const struct record *record, uint32_t stack);
void pairing_aio_free(struct pairing *pairing);

/* A RECORD_POSIX_* record. */
void pairing_posix(struct pairing *pairing, const struct record *record);
/* Ends an operation that was cancelled with all others of its descriptor; false when it was not. */
bool pairing_posix_cancelled(struct pairing *pairing, uint32_t index);
void pairing_posix_free(struct pairing *pairing);

/* The number of the stack that was told for a submission; 0: none. */
uint32_t pairing_stack(struct pairing *pairing, const struct record *record);
/* RECORD_SLEPT, RECORD_STACK and RECORD_CALL. */
void pairing_call(struct pairing *pairing, const struct record *record);
void pairing_call_free(struct pairing *pairing);

#endif
