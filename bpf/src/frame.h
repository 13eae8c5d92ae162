// SPDX-License-Identifier: MIT
/*
 * The stream's format: docs/trace-format.md in words, src/protocol/wire.ts in TypeScript. A test compares what
 * is defined here with the latter.
 */
#ifndef RINGLIGHT_FRAME_H
#define RINGLIGHT_FRAME_H

#include <stdbool.h>
#include "buffer.h"

#define FORMAT_VERSION 1
#define MAGIC "RINGLIT\x01"
#define MAGIC_BYTES 8
#define FRAME_HEADER_BYTES 12
#define MAX_FRAME_PAYLOAD (4 * 1024 * 1024)

enum frame_type { FRAME_HELLO = 1, FRAME_INFO, FRAME_TOTALS, FRAME_LOG, FRAME_GOODBYE, FRAME_HISTOGRAMS, FRAME_CENSUS,
		  FRAME_THREADS, FRAME_SPANS = 16, FRAME_INSTANTS, FRAME_CALLS, FRAME_PENDING };

enum span_flag {
	SPAN_PUNTED = 1 << 0,
	SPAN_PUNT_EXPECTED = 1 << 1,
	SPAN_POLLED = 1 << 2,
	SPAN_LINKED = 1 << 3,
	SPAN_MULTISHOT_MORE = 1 << 4,
	SPAN_OVERFLOW = 1 << 5,
	SPAN_END_INFERRED = 1 << 6,
	SPAN_UNFINISHED = 1 << 7,
	SPAN_SQPOLL = 1 << 8,
	SPAN_FIXED_FILE = 1 << 9,
	SPAN_APPROXIMATE = 1 << 10,
	SPAN_DIRECT = 1 << 11,
	SPAN_END_IS_REAP = 1 << 12,
	SPAN_REJECTED = 1 << 13,
	SPAN_FOREIGN = 1 << 14,
	SPAN_SAMPLED = 1 << 15,
	SPAN_FIXED_BUFFER = 1 << 16,
	SPAN_NOTIFICATION = 1 << 17,
	SPAN_SIGNALS = 1 << 18,
};

enum instant_kind { INSTANT_CQ_OVERFLOW = 1, INSTANT_SHORT_WRITE, INSTANT_LINK_FAILED, INSTANT_LOST, INSTANT_MODE,
		    INSTANT_REGISTER, INSTANT_SECURITY };

/* A finished operation. Times in ns of CLOCK_MONOTONIC. */
struct span {
	uint8_t api, op;
	uint32_t flags;
	uint64_t start, end;
	uint64_t reap;		/* ns from end to reap plus 1, 0 unknown */
	uint64_t submit;	/* ns of the submitting call plus 1, 0 unknown */
	uint64_t parted;	/* ns from start to the hand-over to a worker or the wait for readiness plus 1, 0 neither */
	uint32_t chain;		/* number of the chain, 0 none */
	uint32_t stack;		/* number of the submitter's stack, 0 none */
	uint32_t pid, tid, ring, slot;
	int32_t fd;
	int64_t offset;
	uint64_t length;
	int64_t result;
	uint64_t user_data;
};

/* A system call that returned. Times likewise. */
struct call_span {
	uint8_t api, call;
	uint64_t start, end;
	uint64_t asleep;	/* ns off the CPU because it waited, of the duration */
	uint64_t blocked;	/* ns of these uninterruptible: waiting for a device or a lock */
	uint32_t pid, tid, ring;
	int32_t fd;
	int64_t offset;
	uint64_t length;
	int64_t result;
	uint32_t stack;
};

struct instant {
	uint8_t kind;
	uint64_t time;
	uint32_t pid, tid, ring;
	int64_t value;
};

/*
 * The fields of a row in order: name on the wire, coding, value. `now` is the row, with times since time zero, and
 * `last` the one before.
 */
#define SPAN_FIELDS(FIELD)								\
	FIELD(api, u8, now.api)								\
	FIELD(op, u8, now.op)								\
	FIELD(flags, varint, now.flags)							\
	FIELD(start, delta, (int64_t)(now.start - last->start))				\
	FIELD(duration, varint, now.end > now.start ? now.end - now.start : 0)		\
	FIELD(reap, varint, now.reap)							\
	FIELD(submit, varint, now.submit)						\
	FIELD(pid, delta, (int64_t)now.pid - last->pid)					\
	FIELD(tid, delta, (int64_t)now.tid - last->tid)					\
	FIELD(ring, varint, now.ring)							\
	FIELD(slot, varint, now.slot)							\
	FIELD(fd, zigzag, now.fd)							\
	FIELD(offset, zigzag, now.offset)						\
	FIELD(length, varint, now.length)						\
	FIELD(result, zigzag, now.result)						\
	FIELD(userData, varint, now.user_data)						\
	FIELD(parted, varint, now.parted)						\
	FIELD(chain, varint, now.chain)							\
	FIELD(stack, varint, now.stack)

#define CALL_FIELDS(FIELD)								\
	FIELD(api, u8, now.api)								\
	FIELD(call, u8, now.call)							\
	FIELD(start, delta, (int64_t)(now.start - last->start))				\
	FIELD(duration, varint, now.end > now.start ? now.end - now.start : 0)		\
	FIELD(asleep, varint, now.asleep)						\
	FIELD(blocked, varint, now.blocked)						\
	FIELD(pid, delta, (int64_t)now.pid - last->pid)					\
	FIELD(tid, delta, (int64_t)now.tid - last->tid)					\
	FIELD(ring, varint, now.ring)							\
	FIELD(fd, zigzag, now.fd)							\
	FIELD(offset, zigzag, now.offset)						\
	FIELD(length, varint, now.length)						\
	FIELD(result, zigzag, now.result)						\
	FIELD(stack, varint, now.stack)

#define INSTANT_FIELDS(FIELD)								\
	FIELD(kind, u8, now.kind)							\
	FIELD(time, delta, (int64_t)(now.time - last->time))				\
	FIELD(pid, delta, (int64_t)now.pid - last->pid)					\
	FIELD(tid, delta, (int64_t)now.tid - last->tid)					\
	FIELD(ring, varint, now.ring)							\
	FIELD(value, zigzag, now.value)

/*
 * The way out: frames go into a queue of bounded size, and from there into a descriptor that never blocks. A
 * reader that stops reading costs frames, which are counted; it never stops the draining of the kernel's buffer.
 */
struct stream {
	int fd;
	struct buffer queue;
	size_t sent;			/* of the queue's bytes */
	uint16_t sequence;
	uint64_t base;			/* CLOCK_MONOTONIC ns of time zero */
	uint64_t dropped_frames;
	uint64_t dropped_spans;		/* and calls in those, not yet told by an instant */
	uint64_t spans, calls;		/* sent */
	bool broken;			/* the reader is gone */
	/* the batches under way */
	struct buffer span_rows, instant_rows, call_rows, pending_rows;
	uint32_t span_count, instant_count, call_count, pending_count;
	struct span last_span, last_pending;
	struct call_span last_call;
	struct instant last_instant;
};

void stream_open(struct stream *stream, int fd, uint64_t base);
void stream_free(struct stream *stream);
/* A frame with a JSON payload; refused only when the queue is past twice its bound. */
void stream_json(struct stream *stream, enum frame_type type, const struct buffer *payload);
void stream_span(struct stream *stream, const struct span *span);
void stream_instant(struct stream *stream, const struct instant *instant);
void stream_call(struct stream *stream, const struct call_span *call);
/* An operation that is still in flight; `end` is now. */
void stream_pending_span(struct stream *stream, const struct span *span);
/* Turns the batches under way into frames; `last`: no more will come. */
void stream_flush(struct stream *stream, uint64_t now, bool last);
/* Bytes that wait for the reader. */
size_t stream_waiting(const struct stream *stream);
/* Share of the queue to the reader that is full, 0 to 2. */
double stream_fill(const struct stream *stream);
/* Writes what the reader takes now. */
void stream_write(struct stream *stream);

#endif
