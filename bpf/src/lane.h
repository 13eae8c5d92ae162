// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Lanes: where the hot records go. Each CPU has one, an array of records that the kernel programs fill in a circle and the
 * loader reads in its own memory: no reservation in a shared buffer, no wake-up, no copy. Included by both sides.
 *
 * A writer takes the next place with an atomic addition, because an interrupt can come in between, fills it, and writes the
 * record's first word last. The reader takes records as far as their first words are there, sets these to 0, and moves
 * `tail` on.
 */
#ifndef RINGLIGHT_LANE_H
#define RINGLIGHT_LANE_H

#include "record.h"

/* Places that are never used: so many writers may find the lane nearly full at one moment. */
#define LANE_MARGIN 32

struct lane {
	__u64 head;		/* places taken since the beginning; the programs' */
	__u64 lost_submissions, lost_completions, lost_others;	/* records that found the lane full; the programs' */
	__u32 sample;		/* submissions since the last one that was sampled; the programs' */
	__u32 batch_left;	/* completions that may still have the time below; the programs' */
	__u64 batch, batch_time;	/* see time_of_completion(); the programs' */
	__u64 unused;
	__u64 tail;		/* places read since the beginning; the loader's, on a cache line of its own */
	__u64 unused_too[7];
};
_Static_assert(sizeof(struct lane) == 128, "two cache lines");

/*
 * An operation in flight while not every operation is told, in a table by its request's address. Two requests that
 * meet in one place share it by turns: the later one goes into a map.
 */
#define FLIGHT_BITS 16
#define FLIGHTS (1u << FLIGHT_BITS)
struct kernel_flight {
	__u64 key;		/* address of the request; 0: free */
	__u64 time;
	__u64 user_data;
	__u16 ring;
	__u8 op;
	__u8 sampled;		/* its records are told too */
	__u8 punted;
	__u8 multishot;
	__u8 quiet;		/* wants no completion when it succeeds */
	__u8 told_pending;	/* the loader's */
};

/* Latencies in eight steps an octave: step_of() says which. */
#define STEPS 328
/* One for each CPU and io_uring opcode. */
#define OPS 128
struct histogram {
	__u64 count, errors, punted;
	__u64 bytes;		/* sum of positive results */
	__u64 max;		/* ns */
	__u32 steps[STEPS];
};

/* The step that a latency of `ns` falls into, see docs/trace-format.md. */
static inline __attribute__((always_inline)) __u32 step_of(__u64 ns)
{
	__u32 octave = 0;

	if (ns < 8)
		return ns;
	/* floor(log2), by halves: there is no instruction for it in BPF */
	for (__u32 half = 32; half; half /= 2)
		if (ns >> octave >> half)
			octave += half;
	__u32 step = (octave - 2) * 8 + (ns >> (octave - 3) & 7);
	return step < STEPS ? step : STEPS - 1;
}

/* What a CPU saw last, see rings.bpf.h. */
struct seen {
	__u64 ring;		/* the low 48 bits of the last traced context's address, then its number */
	__u64 stranger;		/* mark() of the last one that is not traced, with who submitted to it, */
	__u64 stranger_done;	/* and of the last one that completed */
	__u64 scratch;
	__u64 submitted, completed;	/* what a first program told last, see again.bpf.h */
	__u64 pad[2];
};
_Static_assert(sizeof(struct seen) == 64, "one cache line");

#define OP_TIMEOUT 11
#define OP_LINK_TIMEOUT 15
#define TIMED_OUT (-62)
/* Whether an io_uring operation with this result failed: a timer that fires did what it was for. */
static inline __attribute__((always_inline)) int is_failure(__u32 op, __s64 result)
{
	return result < 0 && !(result == TIMED_OUT && (op == OP_TIMEOUT || op == OP_LINK_TIMEOUT));
}

/* Operations of a ring; counted when the whole machine is traced. */
struct ring_count {
	__u64 submitted, completed;
};

#endif
