// SPDX-License-Identifier: MIT
/* A growing hash table of 64-bit numbers; keys are not 0. */
#ifndef RINGLIGHT_TABLE_H
#define RINGLIGHT_TABLE_H

#include "buffer.h"

struct table_entry {
	uint64_t key, value;
};

struct table {
	struct table_entry *entries;
	size_t count, capacity;
};

/* The value's place, or NULL. Valid until the next table_put or table_remove. */
uint64_t *table_get(const struct table *table, uint64_t key);
void table_put(struct table *table, uint64_t key, uint64_t value);
/* Removes all keys that are `bits` under `mask`. Looks at every entry. */
void table_remove(struct table *table, uint64_t mask, uint64_t bits);
void table_free(struct table *table);

#endif
