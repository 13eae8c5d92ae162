// SPDX-License-Identifier: MIT
/* System calls: what they slept comes in a record of its own, just before the call's. */
#include "pair-state.h"

#include <stdlib.h>

static struct thread_notes *notes_of(struct pairing *pairing, uint32_t tid)
{
	for (uint32_t i = 0; i < pairing->note_count; i++)
		if (pairing->notes[i].tid == tid)
			return &pairing->notes[i];
	return NULL;
}

/* How long the thread's call slept is to be known when the call is told. */
static void slept(struct pairing *pairing, const struct record *record)
{
	struct thread_notes *notes = notes_of(pairing, record->tid);

	if (!notes) {
		if (pairing->note_count == pairing->note_capacity) {
			pairing->note_capacity = pairing->note_capacity ? pairing->note_capacity * 2 : 16;
			pairing->notes = resized(pairing->notes, pairing->note_capacity, sizeof(*pairing->notes));
		}
		notes = &pairing->notes[pairing->note_count++];
	}
	*notes = (struct thread_notes){ .tid = record->tid, .asleep = record->user_data, .blocked = record->offset };
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
	if (record->type == RECORD_SLEPT) {
		slept(pairing, record);
		return;
	}
	struct thread_notes *notes = notes_of(pairing, record->tid);
	struct call_span call = {
		.api = api_of(record->op), .call = record->op, .start = record->time - record->key, .end = record->time,
		.asleep = notes ? notes->asleep : 0, .blocked = notes ? notes->blocked : 0,
		.pid = record->pid, .tid = record->tid, .ring = record->ring, .fd = (int32_t)record->user_data,
		.offset = record->offset, .length = record->length, .result = record->value,
	};

	if (notes)
		*notes = pairing->notes[--pairing->note_count];
	if (record->op == CALL_IO_SUBMIT)
		pairing_aio_submitted(pairing, record);
	names_task(pairing->names, call.pid, call.tid, call.start);
	if (!tally_takes_call(pairing->tally, &call))
		stream_call(pairing->stream, &call);
}

void pairing_call_free(struct pairing *pairing)
{
	free(pairing->notes);
}
