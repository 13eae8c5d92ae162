// SPDX-License-Identifier: MIT
#include "table.h"

#include <stdlib.h>
#include <string.h>

static struct table_entry *place(const struct table *table, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15ULL >> 32) & (table->capacity - 1);

	while (table->entries[at].key && table->entries[at].key != key)
		at = (at + 1) & (table->capacity - 1);
	return &table->entries[at];
}

/* Moves what `mask` and `bits` do not select to a fresh array. */
static void rebuild(struct table *table, size_t capacity, uint64_t mask, uint64_t bits)
{
	struct table old = *table;

	table->entries = resized(NULL, capacity, sizeof(*table->entries));
	memset(table->entries, 0, capacity * sizeof(*table->entries));
	table->capacity = capacity;
	table->count = 0;
	for (size_t i = 0; i < old.capacity; i++) {
		uint64_t key = old.entries[i].key;
		if (key == 0 || (mask && (key & mask) == bits))
			continue;
		*place(table, key) = old.entries[i];
		table->count++;
	}
	free(old.entries);
}

uint64_t *table_get(const struct table *table, uint64_t key)
{
	if (table->capacity == 0)
		return NULL;
	struct table_entry *entry = place(table, key);
	return entry->key ? &entry->value : NULL;
}

void table_put(struct table *table, uint64_t key, uint64_t value)
{
	if (table->count * 2 >= table->capacity)
		rebuild(table, table->capacity ? table->capacity * 2 : 64, 0, 0);
	struct table_entry *entry = place(table, key);
	table->count += entry->key == 0;
	*entry = (struct table_entry){ key, value };
}

void table_remove(struct table *table, uint64_t mask, uint64_t bits)
{
	if (table->count)
		rebuild(table, table->capacity, mask, bits);
}

void table_free(struct table *table)
{
	free(table->entries);
	*table = (struct table){ 0 };
}
