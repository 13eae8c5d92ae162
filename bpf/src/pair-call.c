// SPDX-License-Identifier: MIT
/* System calls, and what comes in records of its own before them: how long they slept; of submissions, their stack. */
#include "pair-state.h"

#include <stdlib.h>

static struct thread_notes *notes_of(struct pairing *pairing, uint32_t tid)
{
	for (uint32_t i = 0; i < pairing->note_count; i++)
		if (pairing->notes[i].tid == tid)
			return &pairing->notes[i];
	return NULL;
}

static void forget(struct pairing *pairing, struct thread_notes *notes)
{
	*notes = pairing->notes[--pairing->note_count];
}

/* What is said of the call or submission that the thread tells next. */
static void note(struct pairing *pairing, const struct record *record)
{
	struct thread_notes *notes = notes_of(pairing, record->tid);

	if (!notes) {
		if (pairing->note_count == pairing->note_capacity) {
			pairing->note_capacity = pairing->note_capacity ? pairing->note_capacity * 2 : 16;
			pairing->notes = resized(pairing->notes, pairing->note_capacity, sizeof(*pairing->notes));
		}
		notes = &pairing->notes[pairing->note_count++];
	}
	*notes = (struct thread_notes){ .tid = record->tid };
	if (record->type == RECORD_STACK) {
		notes->stack = record->user_data;
		notes->key = key_of(record);
	} else {
		notes->asleep = record->user_data;
		notes->blocked = record->offset;
	}
}

uint32_t pairing_stack(struct pairing *pairing, const struct record *record)
{
	struct thread_notes *notes = notes_of(pairing, record->tid);
	uint32_t number = 0;

	if (!notes || !notes->stack)
		return 0;
	/* or the submission that it belongs to was lost */
	if (notes->key == key_of(record))
		number = stacks_number(pairing->stacks, record->pid, notes->stack - 1, record->time);
	forget(pairing, notes);
	return number;
}

static enum api api_of(enum call call)
{
	if (call == CALL_IO_URING_ENTER)
		return API_IO_URING;
	if (call <= CALL_IO_PGETEVENTS)
		return API_LIBAIO;
	return call <= CALL_EPOLL_PWAIT2 ? API_EPOLL : API_SYNC;
}

void pairing_call(struct pairing *pairing, const struct record *record)
{
	if (record->type != RECORD_CALL) {
		note(pairing, record);
		return;
	}
	struct thread_notes *notes = notes_of(pairing, record->tid);
	uint32_t stack = record->user_data >> 32;
	struct call_span call = {
		.api = api_of(record->op), .call = record->op, .start = record->time - record->key, .end = record->time,
		.asleep = notes ? notes->asleep : 0, .blocked = notes ? notes->blocked : 0,
		.pid = record->pid, .tid = record->tid, .ring = record->ring, .fd = (int32_t)record->user_data,
		.offset = record->offset, .length = record->length, .result = record->value,
		.stack = stack ? stacks_number(pairing->stacks, record->pid, stack - 1, record->time) : 0,
	};

	if (notes)
		forget(pairing, notes);
	if (record->op == CALL_IO_SUBMIT)
		pairing_aio_submitted(pairing, record, call.stack);
	names_task(pairing->names, call.pid, call.tid, call.start);
	if (!tally_takes_call(pairing->tally, &call))
		stream_call(pairing->stream, &call);
}

void pairing_call_free(struct pairing *pairing)
{
	free(pairing->notes);
}
