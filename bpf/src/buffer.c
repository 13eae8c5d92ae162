// SPDX-License-Identifier: MIT
#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *resized(void *old, size_t count, size_t size)
{
	void *fresh = reallocarray(old, count, size);

	if (!fresh) {
		fputs("ringlight-loader: out of memory\n", stderr);
		_Exit(3);
	}
	return fresh;
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 4096;

	while (capacity - buffer->size < more)
		capacity *= 2;
	if (capacity == buffer->capacity)
		return;
	buffer->bytes = resized(buffer->bytes, capacity, 1);
	buffer->capacity = capacity;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	if (size == 0)
		return;
	buffer_reserve(buffer, size);
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	buffer->size -= size;
	memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){ 0 };
}
