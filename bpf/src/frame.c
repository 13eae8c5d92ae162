// SPDX-License-Identifier: MIT
#include "frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Batches are kept small, so that a lost one is a small loss. */
#define BATCH_BYTES (64 * 1024)
/* Spans are refused past this, everything past twice this. */
#define QUEUE_BYTES (16 * 1024 * 1024)

void stream_open(struct stream *stream, int fd, uint64_t base)
{
	*stream = (struct stream){ .fd = fd, .base = base };
	buffer_append(&stream->queue, MAGIC, MAGIC_BYTES);
}

void stream_free(struct stream *stream)
{
	buffer_free(&stream->queue);
	buffer_free(&stream->span_rows);
	buffer_free(&stream->instant_rows);
	buffer_free(&stream->call_rows);
	buffer_free(&stream->pending_rows);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (8 * i);
}

/* A frame of `head` and `body`; false when the queue is full. */
static bool put_frame(struct stream *stream, enum frame_type type, const struct buffer *head, const struct buffer *body,
		      size_t bound)
{
	uint8_t header[FRAME_HEADER_BYTES] = { 0 };
	size_t size = head->size + body->size;

	if (stream->broken)
		return true;
	if (stream_waiting(stream) + size > bound || size > MAX_FRAME_PAYLOAD) {
		stream->dropped_frames++;
		return false;
	}
	put_u32(header, size);
	header[4] = type;
	header[6] = stream->sequence & 0xff;
	header[7] = stream->sequence >> 8;
	stream->sequence++;
	uLong crc = crc32(0, header, 8);
	/* zlib takes a null pointer for a request of the initial value */
	if (head->size)
		crc = crc32(crc, head->bytes, head->size);
	if (body->size)
		crc = crc32(crc, body->bytes, body->size);
	put_u32(header + 8, crc);
	buffer_append(&stream->queue, header, sizeof(header));
	buffer_append(&stream->queue, head->bytes, head->size);
	buffer_append(&stream->queue, body->bytes, body->size);
	return true;
}

void stream_json(struct stream *stream, enum frame_type type, const struct buffer *payload)
{
	static const struct buffer nothing;

	put_frame(stream, type, payload, &nothing, 2 * QUEUE_BYTES);
}

/*
 * The codings write at `rows->bytes + rows->size`, where begin_row has made room for a whole row: millions of rows are
 * written a second.
 */
#define MOST_ROW_BYTES 256
#define MOST_FIELD_BYTES 10
#define COUNT(name, kind, value) +1
_Static_assert((0 SPAN_FIELDS(COUNT)) * MOST_FIELD_BYTES <= MOST_ROW_BYTES, "a row fits");
_Static_assert((0 CALL_FIELDS(COUNT)) * MOST_FIELD_BYTES <= MOST_ROW_BYTES, "a row fits");
#undef COUNT

static void begin_row(struct buffer *rows)
{
	buffer_reserve(rows, MOST_ROW_BYTES);
}

static void put_u8(struct buffer *rows, uint8_t value)
{
	rows->bytes[rows->size++] = value;
}

/* Unsigned LEB128. */
static void put_varint(struct buffer *rows, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		put_u8(rows, (value & 0x7f) | 0x80);
	put_u8(rows, value);
}

/* Signed, folded so that small magnitudes are short. */
static void put_zigzag(struct buffer *rows, int64_t value)
{
	put_varint(rows, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* A signed difference to the row before. */
static void put_delta(struct buffer *rows, int64_t difference)
{
	put_zigzag(rows, difference);
}

static void put_batch(struct stream *stream, enum frame_type type, struct buffer *rows, uint32_t *count)
{
	struct buffer head = { 0 };
	bool many = type == FRAME_SPANS || type == FRAME_CALLS;
	/* instants are few, and they tell of losses */
	size_t bound = many ? QUEUE_BYTES : 2 * QUEUE_BYTES;

	if (*count == 0)
		return;
	begin_row(&head);
	put_varint(&head, *count);
	put_varint(&head, 0);
	if (!put_frame(stream, type, &head, rows, bound))
		stream->dropped_spans += many ? *count : 0;
	else if (type == FRAME_SPANS)
		stream->spans += *count;
	else if (type == FRAME_CALLS)
		stream->calls += *count;
	rows->size = 0;
	*count = 0;
	buffer_free(&head);
}

/* A record may carry a time from just before ours began. */
static uint64_t since(const struct stream *stream, uint64_t time)
{
	return time > stream->base ? time - stream->base : 0;
}

#define PUT(name, kind, value) put_##kind(rows, value);

static void put_span(struct stream *stream, enum frame_type type, struct buffer *rows, uint32_t *count, struct span *last,
		     const struct span *span)
{
	struct span now = *span;

	if (*count == 0)
		*last = (struct span){ 0 };
	now.start = since(stream, span->start);
	now.end = since(stream, span->end);
	begin_row(rows);
	SPAN_FIELDS(PUT)
	*last = now;
	++*count;
	if (rows->size >= BATCH_BYTES)
		put_batch(stream, type, rows, count);
}

void stream_span(struct stream *stream, const struct span *span)
{
	put_span(stream, FRAME_SPANS, &stream->span_rows, &stream->span_count, &stream->last_span, span);
}

void stream_pending_span(struct stream *stream, const struct span *span)
{
	put_span(stream, FRAME_PENDING, &stream->pending_rows, &stream->pending_count, &stream->last_pending, span);
}

void stream_call(struct stream *stream, const struct call_span *call)
{
	struct buffer *rows = &stream->call_rows;
	struct call_span *last = &stream->last_call, now = *call;

	if (stream->call_count == 0)
		*last = (struct call_span){ 0 };
	now.start = since(stream, call->start);
	now.end = since(stream, call->end);
	begin_row(rows);
	CALL_FIELDS(PUT)
	*last = now;
	stream->call_count++;
	if (rows->size >= BATCH_BYTES)
		put_batch(stream, FRAME_CALLS, rows, &stream->call_count);
}

void stream_instant(struct stream *stream, const struct instant *instant)
{
	struct buffer *rows = &stream->instant_rows;
	struct instant *last = &stream->last_instant, now = *instant;

	if (stream->instant_count == 0)
		*last = (struct instant){ 0 };
	now.time = since(stream, instant->time);
	begin_row(rows);
	INSTANT_FIELDS(PUT)
	*last = now;
	stream->instant_count++;
	if (rows->size >= BATCH_BYTES)
		put_batch(stream, FRAME_INSTANTS, rows, &stream->instant_count);
}

void stream_flush(struct stream *stream, uint64_t now, bool last)
{
	put_batch(stream, FRAME_SPANS, &stream->span_rows, &stream->span_count);
	put_batch(stream, FRAME_CALLS, &stream->call_rows, &stream->call_count);
	put_batch(stream, FRAME_PENDING, &stream->pending_rows, &stream->pending_count);
	/* told once there is room again: where the reader sees it is where the spans are missing */
	if (stream->dropped_spans && (last || stream_waiting(stream) < QUEUE_BYTES / 2)) {
		struct instant lost = { .kind = INSTANT_LOST, .time = now, .value = stream->dropped_spans };
		stream_instant(stream, &lost);
		stream->dropped_spans = 0;
	}
	put_batch(stream, FRAME_INSTANTS, &stream->instant_rows, &stream->instant_count);
}

size_t stream_waiting(const struct stream *stream)
{
	return stream->queue.size - stream->sent;
}

double stream_fill(const struct stream *stream)
{
	return (double)stream_waiting(stream) / QUEUE_BYTES;
}

void stream_write(struct stream *stream)
{
	while (stream_waiting(stream) > 0 && !stream->broken) {
		ssize_t wrote = write(stream->fd, stream->queue.bytes + stream->sent, stream_waiting(stream));
		if (wrote > 0)
			stream->sent += wrote;
		else if (wrote < 0 && errno == EINTR)
			continue;
		else if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		else
			stream->broken = true;
	}
	if (stream->broken)
		stream->sent = stream->queue.size;
	/* moved rarely: a slow reader takes little at a time from a long queue */
	if (stream->sent >= stream->queue.size / 2) {
		buffer_consume(&stream->queue, stream->sent);
		stream->sent = 0;
	}
}
