// SPDX-License-Identifier: MIT
#include "threads.h"
#include "flight.h"
#include "json.h"
#include "process.h"
#include "table.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_EVERY 500000000ULL
/* With more processes than this, looking at all their threads would cost too much. */
#define MOST_PROCESSES 64
#define POLLER "iou-sqp-"
#define WORKER "iou-wrk-"

static bool read_cpu(uint32_t pid, uint32_t tid, uint64_t *cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/schedstat", pid, tid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool read = fscanf(file, "%" SCNu64, cpu) == 1;
	fclose(file);
	return read;
}

static struct watched_thread *find(struct threads *threads, uint32_t pid, uint32_t tid)
{
	for (size_t i = 0; i < threads->count; i++)
		if (threads->list[i].pid == pid && threads->list[i].tid == tid)
			return &threads->list[i];
	return NULL;
}

static void look_at(struct threads *threads, uint32_t pid, uint32_t tid, uint64_t now)
{
	char comm[32];
	struct watched_thread *thread = find(threads, pid, tid);
	uint64_t cpu;

	if (!thread) {
		thread_name(pid, tid, comm, sizeof(comm));
		bool poller = strncmp(comm, POLLER, strlen(POLLER)) == 0;
		if ((!poller && strncmp(comm, WORKER, strlen(WORKER)) != 0) || threads->count == MOST_THREADS ||
		    !read_cpu(pid, tid, &cpu))
			return;
		threads->list[threads->count++] = (struct watched_thread){
			.pid = pid, .tid = tid, .poller = poller, .cpu = cpu, .first_cpu = cpu, .seen = now, .first_seen = now,
		};
		return;
	}
	if (!read_cpu(pid, tid, &cpu))
		return;
	thread->cpu = cpu;
	thread->seen = now;
}

static void report(struct threads *threads, struct stream *stream, uint64_t now)
{
	struct json json = { 0 };

	json_open(&json, '{');
	json_uint_member(&json, "t", now > stream->base ? now - stream->base : 0);
	json_key(&json, "threads");
	json_open(&json, '[');
	for (size_t i = 0; i < threads->count; i++) {
		const struct watched_thread *thread = &threads->list[i];
		json_open(&json, '{');
		json_uint_member(&json, "pid", thread->pid);
		json_uint_member(&json, "tid", thread->tid);
		json_text_member(&json, "role", thread->poller ? "sqpoll" : "worker");
		json_uint_member(&json, "cpu_ns", thread->cpu - thread->first_cpu);
		json_uint_member(&json, "wall_ns", thread->seen - thread->first_seen);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	stream_json(stream, FRAME_THREADS, &json.text);
	buffer_free(&json.text);
}

void threads_look(struct threads *threads, const struct pairing *pairing, struct stream *stream, uint64_t now)
{
	struct table seen = { 0 };

	for (uint32_t number = 1; number <= pairing_last_ring(pairing) && seen.count < MOST_PROCESSES; number++) {
		const struct ring_state *ring = pairing_ring_state(pairing, number);
		char path[32];
		if (!ring->pid || ring->api != API_IO_URING || table_get(&seen, ring->pid))
			continue;
		table_put(&seen, ring->pid, 1);
		snprintf(path, sizeof(path), "/proc/%u/task", ring->pid);
		DIR *tasks = opendir(path);
		struct dirent *entry;
		while (tasks && (entry = readdir(tasks)))
			if (atoi(entry->d_name) > 0)
				look_at(threads, ring->pid, atoi(entry->d_name), now);
		if (tasks)
			closedir(tasks);
	}
	table_free(&seen);
	if (threads->count && now >= threads->next_report) {
		report(threads, stream, now);
		threads->next_report = now + REPORT_EVERY;
	}
}
