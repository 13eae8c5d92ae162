// SPDX-License-Identifier: MIT
/* Growing bytes. A failed allocation ends the loader: without memory it can not keep its word. */
#ifndef RINGLIGHT_BUFFER_H
#define RINGLIGHT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *bytes;
	size_t size, capacity;
};

/* `old` resized to `count` items of `size`; does not return when there is no memory. */
void *resized(void *old, size_t count, size_t size);
/* Room for `more` bytes behind what is there. */
void buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
/* Drops the first `size` bytes. */
void buffer_consume(struct buffer *buffer, size_t size);
void buffer_free(struct buffer *buffer);

#endif
