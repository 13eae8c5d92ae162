// SPDX-License-Identifier: MIT
#include "stacks.h"
#include "json.h"
#include "library.h"
#include "table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PID_MASK (UINT64_MAX << 32)
/* A program's addresses are below; those of the kernel are far above. */
#define USER_ADDRESSES (1ULL << 56)

struct mapping {
	uint32_t pid;
	uint64_t start, end;
};

struct stacks {
	struct stream *stream;
	stack_reader read;
	void *context;
	struct table numbers;		/* pid << 32 | place + 1 */
	uint32_t last;
	struct mapping *mappings;	/* executable ones that are known */
	uint32_t mapping_count, mapping_capacity;
};

struct stacks *stacks_new(struct stream *stream, stack_reader read, void *context)
{
	struct stacks *stacks = resized(NULL, 1, sizeof(*stacks));

	*stacks = (struct stacks){ .stream = stream, .read = read, .context = context };
	return stacks;
}

void stacks_free(struct stacks *stacks)
{
	table_free(&stacks->numbers);
	free(stacks->mappings);
	free(stacks);
}

static void begin(const struct stacks *stacks, struct json *json, const char *kind, uint32_t pid, uint64_t now)
{
	json_open(json, '{');
	json_text_member(json, "kind", kind);
	json_uint_member(json, "t", now > stacks->stream->base ? now - stacks->stream->base : 0);
	json_uint_member(json, "pid", pid);
}

static void end(struct stacks *stacks, struct json *json)
{
	json_close(json, '}');
	stream_json(stacks->stream, FRAME_INFO, &json->text);
	buffer_free(&json->text);
}

static void hex_member(struct json *json, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_text_member(json, name, text);
}

static bool is_mapped(const struct stacks *stacks, uint32_t pid, uint64_t address)
{
	for (uint32_t i = 0; i < stacks->mapping_count; i++) {
		const struct mapping *mapping = &stacks->mappings[i];
		if (mapping->pid == pid && address >= mapping->start && address < mapping->end)
			return true;
	}
	return false;
}

static void send_mapping(struct stacks *stacks, const struct mapping *mapping, uint64_t offset, const char *path, uint64_t now)
{
	char id[MOST_BUILD_ID];
	struct json json = { 0 };

	/* code that was made at run time has no file */
	if (!path[0])
		return;
	begin(stacks, &json, "module", mapping->pid, now);
	hex_member(&json, "start", mapping->start);
	hex_member(&json, "end", mapping->end);
	hex_member(&json, "offset", offset);
	json_text_member(&json, "path", path);
	if (path[0] == '/' && library_build_id(mapping->pid, path, id))
		json_text_member(&json, "build_id", id);
	end(stacks, &json);
}

static void remember(struct stacks *stacks, const struct mapping *mapping)
{
	if (stacks->mapping_count == stacks->mapping_capacity) {
		stacks->mapping_capacity = stacks->mapping_capacity ? stacks->mapping_capacity * 2 : 64;
		stacks->mappings = resized(stacks->mappings, stacks->mapping_capacity, sizeof(*stacks->mappings));
	}
	stacks->mappings[stacks->mapping_count++] = *mapping;
}

/* Sends the executable mappings of a process that were not sent yet; false when it is gone. */
static bool send_mappings(struct stacks *stacks, uint32_t pid, uint64_t now)
{
	char path[64], line[PATH_MAX + 128];
	bool any = false;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	FILE *maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		struct mapping mapping = { .pid = pid };
		uint64_t offset;
		char execute;
		int name = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*1c%*1c%c%*1c %" SCNx64 " %*s %*s %n", &mapping.start, &mapping.end,
			   &execute, &offset, &name) != 4 || execute != 'x' || name == 0)
			continue;
		line[name + strcspn(line + name, "\n")] = 0;
		any = true;
		if (mapping.end >= USER_ADDRESSES || is_mapped(stacks, pid, mapping.start))
			continue;
		send_mapping(stacks, &mapping, offset, line + name, now);
		remember(stacks, &mapping);
	}
	if (maps)
		fclose(maps);
	return any;
}

/*
 * How many of the addresses are a stack's. Code that keeps no frame pointer leads to what is no address of code, and beyond
 * that there is nothing to be known. Of a process that is gone all that could be is taken.
 */
static uint32_t credible(struct stacks *stacks, uint32_t pid, const uint64_t *frames, uint32_t count, uint64_t now)
{
	for (int turn = 0; turn < 2; turn++) {
		uint32_t good = 0;
		while (good < count && frames[good] < USER_ADDRESSES && is_mapped(stacks, pid, frames[good]))
			good++;
		if (good == count || turn == 1)
			return good;
		/* perhaps it was mapped since */
		if (!send_mappings(stacks, pid, now))
			break;
	}
	uint32_t user = 0;
	while (user < count && frames[user] < USER_ADDRESSES)
		user++;
	return user;
}

uint32_t stacks_number(struct stacks *stacks, uint32_t pid, uint32_t place, uint64_t now)
{
	uint64_t key = (uint64_t)pid << 32 | (place + 1), frames[STACK_DEPTH];
	uint64_t *known = table_get(&stacks->numbers, key);
	struct json json = { 0 };

	if (known)
		return *known;
	uint32_t count = stacks->read(stacks->context, place, frames);
	count = count ? credible(stacks, pid, frames, count, now) : 0;
	if (count == 0)
		return 0;
	table_put(&stacks->numbers, key, ++stacks->last);
	begin(stacks, &json, "stack", pid, now);
	json_uint_member(&json, "stack", stacks->last);
	json_key(&json, "frames");
	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++) {
		char text[24];
		snprintf(text, sizeof(text), "0x%" PRIx64, frames[i]);
		json_text(&json, text);
	}
	json_close(&json, ']');
	end(stacks, &json);
	return stacks->last;
}

void stacks_forget(struct stacks *stacks, uint32_t pid)
{
	uint32_t kept = 0;

	table_remove(&stacks->numbers, PID_MASK, (uint64_t)pid << 32);
	for (uint32_t i = 0; i < stacks->mapping_count; i++)
		if (stacks->mappings[i].pid != pid)
			stacks->mappings[kept++] = stacks->mappings[i];
	stacks->mapping_count = kept;
}
