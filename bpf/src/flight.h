// SPDX-License-Identifier: MIT
/* The operations in flight: found by address or by user_data, each with its place in its ring. */
#ifndef RINGLIGHT_FLIGHT_H
#define RINGLIGHT_FLIGHT_H

#include <stdbool.h>
#include "frame.h"
#include "lane.h"

#define NO_OP UINT32_MAX
#define RINGS 65536

struct op {
	uint64_t key;		/* ring << 48 | address */
	struct span span;	/* `start` moves on with each completion of a multishot request */
	uint64_t done;		/* libaio: end of the direct I/O, 0 not seen */
	uint64_t cancelled;	/* posix-aio: when all that nobody served was, 0 not so; a thread may have taken it up just then */
	uint64_t reaped;	/* libaio: reaped before io_submit returned, 0 not so */
	bool used;
	bool async;		/* asked for a worker */
	bool skip;		/* asked for no completion entry when it succeeds */
	bool tentative;		/* libaio: io_submit has not returned yet */
	bool notify;		/* its buffer is still the kernel's: a second completion of a zero-copy send comes */
	bool told_pending;
	bool served;		/* posix-aio: a thread has taken it up */
	uint32_t next_key, next_user, last_user;	/* chains of the two tables */
	uint32_t next_call;	/* libaio: next iocb of the same io_submit */
};

struct ring_state {
	uint64_t *slots;	/* bitmap of places taken */
	uint32_t words;
	bool existed, sqpoll;
	enum api api;
	uint32_t pid;		/* who set it up; 0: there is no such ring */
	uint64_t context;	/* address of its context, which stays here */
	uint64_t last;		/* time of its last record */
	uint64_t begun, ended;	/* operations that were told */
	struct ring_count counted;	/* by the kernel programs, when the number was given to this ring */
};

struct flight {
	struct op *ops;
	uint32_t count, capacity, free;
	uint32_t *by_key, *by_user;
	uint32_t last_ring;	/* the greatest number that a ring has had */
	struct ring_state rings[RINGS];
};

void flight_open(struct flight *flight);
void flight_free(struct flight *flight);
/* A new operation in the lowest free place of its ring. Indices stay valid, pointers only until the next add. */
uint32_t flight_add(struct flight *flight, uint64_t key, uint64_t user_data);
void flight_remove(struct flight *flight, uint32_t index);
/* Newest operation with this key that is not `reaped`; NO_OP if there is none. */
uint32_t flight_find(const struct flight *flight, uint64_t key);
/* Oldest operation of the ring with this user_data that is `notify`; `*several` tells that others match too. */
uint32_t flight_find_user(const struct flight *flight, uint32_t ring, uint64_t user_data, bool notify, bool *several);
/* The next older operation of the ring with this user_data after `index`; the newest after NO_OP; NO_OP when there is none. */
uint32_t flight_older(const struct flight *flight, uint32_t ring, uint64_t user_data, uint32_t index);
/* Takes the lowest free place of a ring; to be given back. */
uint32_t slot_take(struct ring_state *ring);
void slot_give(struct ring_state *ring, uint32_t slot);

#endif
