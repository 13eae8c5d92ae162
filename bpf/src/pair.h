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
#include "tally.h"
#include "record.h"

struct pairing;
struct ring_state;
struct stacks;

/*
 * Spans and instants go to `stream`, after the names they need went there through `names`. What `tally` takes is not sent.
 * `stacks` makes numbers of the places of stacks.
 */
struct pairing *pairing_new(struct stream *stream, struct names *names, struct tally *tally, struct stacks *stacks);
void pairing_free(struct pairing *pairing);

/* A ring begins. What is in flight on one that existed was submitted before the recording. */
void pairing_ring(struct pairing *pairing, const struct notice *notice);
void pairing_record(struct pairing *pairing, const struct record *record);
/* Process and descriptor of the request in flight at `address` on `ring`; false: none. */
bool pairing_request(const struct pairing *pairing, uint32_t ring, uint64_t address, uint32_t *pid, int32_t *fd,
		     bool *fixed);
/* Operations that have been in flight for `age` ns at `now` are told, once each. */
void pairing_pending(struct pairing *pairing, uint64_t now, uint64_t age);
/* Likewise for operations that the kernel programs keep, while not every one is told. */
void pairing_pending_untold(struct pairing *pairing, struct kernel_flight *flights, uint64_t now, uint64_t age);
/* The recording ends: what is still in flight is told as it is. */
void pairing_finish(struct pairing *pairing, uint64_t now);

/* Forgets a ring whose process is gone; false while operations are in flight on it. `counted` by the kernel so far. */
bool pairing_ring_over(struct pairing *pairing, uint32_t ring, struct ring_count counted);
/* The greatest number that a ring has had. */
uint32_t pairing_last_ring(const struct pairing *pairing);
/* What is known of a ring, by number. */
const struct ring_state *pairing_ring_state(const struct pairing *pairing, uint32_t ring);
/* Completions the kernel programs could not count (+), or counted although they belong to before (-). */
int64_t pairing_extra(const struct pairing *pairing, enum api api);
/* Submissions of io_uring that are among no others: those that only a second program told. */
uint64_t pairing_found(const struct pairing *pairing);
/* Completions whose submission was never seen. */
uint64_t pairing_unpaired(const struct pairing *pairing);

#endif
