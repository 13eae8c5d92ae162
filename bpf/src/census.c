// SPDX-License-Identifier: MIT
#include "census.h"
#include "flight.h"
#include "json.h"
#include "options.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A list for people: the least active processes are only counted. */
#define MOST_PROCESSES 200
/* completions of a process that is gone come from workers of the kernel */
#define SETTLED 2000000000ULL

struct user {
	uint32_t pid;
	uint64_t submitted[API_COUNT], completed[API_COUNT];
	uint32_t rings[API_COUNT];
	uint64_t all;
};

static int by_activity(const void *a, const void *b)
{
	const struct user *first = a, *second = b;

	if (first->all != second->all)
		return first->all < second->all ? 1 : -1;
	return first->pid < second->pid ? -1 : first->pid > second->pid;
}

static struct user *users_of(const struct pairing *pairing, const struct aggregates *aggregates, size_t *count)
{
	struct table places = { 0 };
	struct user *users = NULL;
	size_t capacity = 0;

	*count = 0;
	for (uint32_t number = 1; number <= pairing_last_ring(pairing); number++) {
		const struct ring_state *ring = pairing_ring_state(pairing, number);
		if (!ring->pid)
			continue;
		uint64_t *place = table_get(&places, ring->pid);
		size_t at = place ? *place : *count;
		if (!place) {
			if (*count == capacity) {
				capacity = capacity ? capacity * 2 : 64;
				users = resized(users, capacity, sizeof(*users));
			}
			users[at] = (struct user){ .pid = ring->pid };
			table_put(&places, ring->pid, at);
			++*count;
		}
		bool counted = ring->api == API_IO_URING && aggregates->rings;
		uint64_t submitted = counted ? aggregates->rings[number].submitted - ring->counted.submitted : ring->begun;
		uint64_t completed = counted ? aggregates->rings[number].completed - ring->counted.completed : ring->ended;
		users[at].rings[ring->api]++;
		users[at].submitted[ring->api] += submitted;
		users[at].completed[ring->api] += completed;
		users[at].all += submitted + completed;
	}
	table_free(&places);
	if (*count)
		qsort(users, *count, sizeof(*users), by_activity);
	return users;
}

static void write_user(struct json *json, const struct user *user)
{
	char path[32], comm[32];
	struct stat status = { 0 };

	snprintf(path, sizeof(path), "/proc/%u", user->pid);
	if (stat(path, &status) != 0)
		status.st_uid = 0;
	process_name(user->pid, comm, sizeof(comm));
	json_open(json, '{');
	json_uint_member(json, "pid", user->pid);
	json_text_member(json, "comm", comm);
	json_uint_member(json, "uid", status.st_uid);
	json_key(json, "apis");
	json_open(json, '[');
	for (int api = 0; api < API_COUNT; api++) {
		if (!user->rings[api])
			continue;
		json_open(json, '{');
		json_text_member(json, "api", API_TEXT[api]);
		json_uint_member(json, "submitted", user->submitted[api]);
		json_uint_member(json, "completed", user->completed[api]);
		json_uint_member(json, "rings", user->rings[api]);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

void census_report(const struct pairing *pairing, const struct aggregates *aggregates, struct stream *stream, uint64_t now)
{
	struct json json = { 0 };
	size_t count;
	struct user *users = users_of(pairing, aggregates, &count);
	size_t shown = count < MOST_PROCESSES ? count : MOST_PROCESSES;

	json_open(&json, '{');
	json_uint_member(&json, "t", now > stream->base ? now - stream->base : 0);
	json_key(&json, "processes");
	json_open(&json, '[');
	for (size_t i = 0; i < shown; i++)
		write_user(&json, &users[i]);
	json_close(&json, ']');
	json_uint_member(&json, "more", count - shown);
	json_close(&json, '}');
	stream_json(stream, FRAME_CENSUS, &json.text);
	buffer_free(&json.text);
	free(users);
}

void departures_add(struct departures *departures, uint32_t pid, uint64_t time)
{
	if (departures->count == departures->capacity) {
		departures->capacity = departures->capacity ? departures->capacity * 2 : 64;
		departures->list = resized(departures->list, departures->capacity, sizeof(*departures->list));
	}
	departures->list[departures->count++] = (struct departure){ pid, time };
}

void departures_settle(struct departures *departures, struct programs *programs, struct pairing *pairing, uint64_t now)
{
	size_t due = 0;
	struct table gone = { 0 };
	struct aggregates aggregates = programs_aggregates(programs);

	while (due < departures->count && departures->list[due].time + SETTLED < now)
		table_put(&gone, departures->list[due++].pid, 1);
	if (due == 0)
		return;
	for (uint32_t number = 1; number <= pairing_last_ring(pairing); number++) {
		const struct ring_state *ring = pairing_ring_state(pairing, number);
		if (!ring->pid || !table_get(&gone, ring->pid))
			continue;
		uint64_t context = ring->context;
		if (pairing_ring_over(pairing, number, aggregates.rings ? aggregates.rings[number] : (struct ring_count){ 0 }))
			programs_free_ring(programs, number, context);
	}
	table_free(&gone);
	departures->count -= due;
	memmove(departures->list, departures->list + due, departures->count * sizeof(*departures->list));
}

void departures_free(struct departures *departures)
{
	free(departures->list);
}
