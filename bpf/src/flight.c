// SPDX-License-Identifier: MIT
#include "flight.h"

#include <stdlib.h>
#include <string.h>

#define BUCKET_BITS 16
#define BUCKETS (1u << BUCKET_BITS)

static uint32_t hashed(uint64_t value)
{
	return value * 0x9e3779b97f4a7c15ULL >> (64 - BUCKET_BITS);
}

static uint32_t user_bucket(uint32_t ring, uint64_t user_data)
{
	return hashed(user_data ^ (uint64_t)ring << 40);
}

static uint32_t *new_table(void)
{
	uint32_t *table = resized(NULL, BUCKETS, sizeof(*table));

	memset(table, 0xff, BUCKETS * sizeof(*table));
	return table;
}

void flight_open(struct flight *flight)
{
	memset(flight, 0, sizeof(*flight));
	flight->free = NO_OP;
	flight->by_key = new_table();
	flight->by_user = new_table();
}

void flight_free(struct flight *flight)
{
	for (uint32_t i = 0; i < RINGS; i++)
		free(flight->rings[i].slots);
	free(flight->ops);
	free(flight->by_key);
	free(flight->by_user);
}

uint32_t slot_take(struct ring_state *ring)
{
	uint32_t word = 0;

	while (word < ring->words && ring->slots[word] == UINT64_MAX)
		word++;
	if (word == ring->words) {
		uint32_t words = ring->words ? ring->words * 2 : 1;
		ring->slots = resized(ring->slots, words, sizeof(*ring->slots));
		memset(ring->slots + ring->words, 0, (words - ring->words) * sizeof(*ring->slots));
		ring->words = words;
	}
	uint32_t bit = __builtin_ctzll(~ring->slots[word]);
	ring->slots[word] |= 1ULL << bit;
	return word * 64 + bit;
}

void slot_give(struct ring_state *ring, uint32_t slot)
{
	ring->slots[slot / 64] &= ~(1ULL << slot % 64);
}

uint32_t flight_add(struct flight *flight, uint64_t key, uint64_t user_data)
{
	uint32_t index = flight->free, ring = key >> 48;

	if (index != NO_OP) {
		flight->free = flight->ops[index].next_key;
	} else {
		if (flight->count == flight->capacity) {
			flight->capacity = flight->capacity ? flight->capacity * 2 : 1024;
			flight->ops = resized(flight->ops, flight->capacity, sizeof(*flight->ops));
		}
		index = flight->count++;
	}
	uint32_t *key_head = &flight->by_key[hashed(key)];
	uint32_t *user_head = &flight->by_user[user_bucket(ring, user_data)];
	flight->ops[index] = (struct op){
		.key = key, .used = true, .next_key = *key_head, .next_user = *user_head, .last_user = NO_OP, .next_call = NO_OP,
		.span = { .ring = ring, .user_data = user_data, .slot = slot_take(&flight->rings[ring]) },
	};
	*key_head = index;
	if (*user_head != NO_OP)
		flight->ops[*user_head].last_user = index;
	*user_head = index;
	return index;
}

void flight_remove(struct flight *flight, uint32_t index)
{
	struct op *op = &flight->ops[index];
	uint32_t *at = &flight->by_key[hashed(op->key)];

	while (*at != index)
		at = &flight->ops[*at].next_key;
	*at = op->next_key;
	/* both ways, because many requests may have the same user_data */
	if (op->last_user != NO_OP)
		flight->ops[op->last_user].next_user = op->next_user;
	else
		flight->by_user[user_bucket(op->span.ring, op->span.user_data)] = op->next_user;
	if (op->next_user != NO_OP)
		flight->ops[op->next_user].last_user = op->last_user;
	slot_give(&flight->rings[op->span.ring], op->span.slot);
	op->used = false;
	op->next_key = flight->free;
	flight->free = index;
}

uint32_t flight_find(const struct flight *flight, uint64_t key)
{
	uint32_t index = flight->by_key[hashed(key)];

	while (index != NO_OP && (flight->ops[index].key != key || flight->ops[index].reaped))
		index = flight->ops[index].next_key;
	return index;
}

uint32_t flight_older(const struct flight *flight, uint32_t ring, uint64_t user_data, uint32_t index)
{
	uint32_t i = index == NO_OP ? flight->by_user[user_bucket(ring, user_data)] : flight->ops[index].next_user;

	while (i != NO_OP && (flight->ops[i].span.ring != ring || flight->ops[i].span.user_data != user_data))
		i = flight->ops[i].next_user;
	return i;
}

uint32_t flight_find_user(const struct flight *flight, uint32_t ring, uint64_t user_data, bool notify, bool *several)
{
	uint32_t found = NO_OP;

	*several = false;
	for (uint32_t i = NO_OP; (i = flight_older(flight, ring, user_data, i)) != NO_OP;) {
		if (flight->ops[i].notify != notify)
			continue;
		*several = found != NO_OP;
		found = i;
	}
	return found;
}
