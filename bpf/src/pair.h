// SPDX-License-Identifier: MIT
/*
 * Pairs submissions with completions: records in, in the order of their times; spans and instants out.
 *
 * A request's address is used again as soon as it completes, so it identifies a request only while that is in
 * flight. Completions that carry no request (one of many of a multishot request, an entry kept aside because
 * the queue was full, a message from another ring) are matched by ring and user_data.
 */
#ifndef RINGLIGHT_PAIR_H
#define RINGLIGHT_PAIR_H

#include "frame.h"
#include "names.h"
#include "record.h"

struct pairing;

/* Spans and instants go to `stream`, after the names they need went there through `names`. */
struct pairing *pairing_new(struct stream *stream, struct names *names);
void pairing_free(struct pairing *pairing);

/*
 * A ring begins. `existed`: what is in flight on it now was submitted before the recording; `sqpoll`: a thread of
 * the kernel submits.
 */
void pairing_ring(struct pairing *pairing, uint32_t ring, bool existed, bool sqpoll);
void pairing_record(struct pairing *pairing, const struct record *record);
/* Process and descriptor of the request in flight at `address` on `ring`; false: none. */
bool pairing_request(const struct pairing *pairing, uint32_t ring, uint64_t address, uint32_t *pid, int32_t *fd,
		     bool *fixed);
/* The recording ends: what is still in flight is told as it is. */
void pairing_finish(struct pairing *pairing, uint64_t now);

/* Completions the kernel programs could not count (+), or counted although they belong to before (-). */
int64_t pairing_extra(const struct pairing *pairing, enum api api);
/* Completions whose submission was never seen. */
uint64_t pairing_unpaired(const struct pairing *pairing);

#endif
