// SPDX-License-Identifier: MIT
#include "names.h"
#include "json.h"
#include "options.h"
#include "process.h"
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_MASK (UINT64_MAX << 32)
/* Value of a descriptor that could not be looked up; else it is the inode plus 1, and whether the kernel programs told it. */
#define UNRESOLVED 0
#define TOLD_BY_KERNEL (1ULL << 63)
#define ALIVE 1
#define DEAD 2

struct names {
	uint64_t last_thread;		/* of names_task, plus 1: mostly it is the same again */
	struct stream *stream;
	struct table processes;		/* pid + 1: ALIVE or DEAD */
	struct table programs[2];	/* pid + 1: name of the program it became before it did anything we see, eight bytes each */
	struct table threads;		/* pid << 32 | tid */
	struct table files;		/* pid << 32 | fd + 1: inode + 1, TOLD_BY_KERNEL */
};

struct names *names_new(struct stream *stream)
{
	struct names *names = resized(NULL, 1, sizeof(*names));

	*names = (struct names){ .stream = stream };
	return names;
}

void names_free(struct names *names)
{
	table_free(&names->processes);
	table_free(&names->programs[0]);
	table_free(&names->programs[1]);
	table_free(&names->threads);
	table_free(&names->files);
	free(names);
}

static void begin(struct names *names, struct json *json, const char *kind, uint64_t now)
{
	json_open(json, '{');
	json_text_member(json, "kind", kind);
	json_uint_member(json, "t", now > names->stream->base ? now - names->stream->base : 0);
}

static void end(struct names *names, struct json *json)
{
	json_close(json, '}');
	stream_json(names->stream, FRAME_INFO, &json->text);
	buffer_free(&json->text);
}

static void send_process(struct names *names, uint32_t pid, const char *comm, uint64_t now)
{
	struct json json = { 0 };

	table_put(&names->processes, pid + 1, ALIVE);
	begin(names, &json, "process", now);
	json_uint_member(&json, "pid", pid);
	json_text_member(&json, "comm", comm);
	end(names, &json);
}

/* Logical block size of a device, 0 when it is not known. */
static uint32_t block_size(uint32_t device)
{
	/* a partition has its disk's */
	static const char *const places[] = { "queue", "../queue" };
	uint32_t size = 0;
	char path[96];

	for (int i = 0; device && size == 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/logical_block_size", device >> 20, device & 0xfffff, places[i]);
		FILE *file = fopen(path, "re");
		if (file && fscanf(file, "%u", &size) != 1)
			size = 0;
		if (file)
			fclose(file);
	}
	return size;
}

/* `more`: what the kernel programs say, or NULL. */
static void send_file(struct names *names, uint32_t pid, int32_t fd, const char *path, bool direct, uint64_t now,
		      const struct file_notice *more)
{
	uint32_t block = more ? block_size(more->device) : 0;
	struct json json = { 0 };

	begin(names, &json, "file", now);
	json_uint_member(&json, "pid", pid);
	json_int_member(&json, "fd", fd);
	json_text_member(&json, "path", path);
	json_bool_member(&json, "direct", direct);
	if (more && more->fs[0])
		json_text_member(&json, "fs", more->fs);
	if (block)
		json_uint_member(&json, "block", block);
	end(names, &json);
}

static void forget(struct names *names, uint32_t pid)
{
	names->last_thread = 0;
	table_remove(&names->threads, PID_MASK, (uint64_t)pid << 32);
	table_remove(&names->files, PID_MASK, (uint64_t)pid << 32);
}

/* A pid seen again after its process was gone is another process. */
static void process_seen(struct names *names, uint32_t pid, const char *comm, uint64_t now)
{
	uint64_t *state = table_get(&names->processes, pid + 1);

	if (state && *state == ALIVE)
		return;
	if (state)
		forget(names, pid);
	send_process(names, pid, comm, now);
}

void names_ring(struct names *names, const struct notice *notice)
{
	struct json json = { 0 };
	char comm[32] = "";

	/* the notice has the name of a thread, which is the process' only for the first one */
	if (notice->tid != notice->pid)
		process_name(notice->pid, comm, sizeof(comm));
	if (comm[0] == 0)
		snprintf(comm, sizeof(comm), "%.16s", notice->comm);
	process_seen(names, notice->pid, comm, notice->time);

	begin(names, &json, "ring", notice->time);
	json_uint_member(&json, "ring", notice->ring);
	json_text_member(&json, "api", API_TEXT[notice->api < API_COUNT ? notice->api : 0]);
	json_uint_member(&json, "pid", notice->pid);
	json_int_member(&json, "fd", notice->fd);
	json_uint_member(&json, "sq", notice->sq);
	json_uint_member(&json, "cq", notice->cq);
	json_uint_member(&json, "flags", notice->flags);
	json_bool_member(&json, "existed", notice->existed);
	end(names, &json);
}

/* kernel.io_uring_disabled, -1 where there is no such setting. */
static int io_uring_disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = -1;

	if (file && fscanf(file, "%d", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

static const char *refusal_cause(const struct notice *notice, int disabled)
{
	bool entered = notice->flags & REFUSED_ENTERED;

	if (!entered)
		return notice->cq ? "seccomp" : "unknown";
	switch (notice->sq) {
	case ENOSYS:
		return "missing";
	case EPERM:
	case EACCES:
		return notice->api == REFUSED_IO_URING_SETUP && disabled > 0 ? "disabled" : "policy";
	case EINVAL:
	case EFAULT:
		return "arguments";
	default:
		return "unknown";
	}
}

void names_refused(struct names *names, const struct notice *notice)
{
	static const char *const calls[] = { "io_uring_setup", "io_setup" };
	int disabled = io_uring_disabled();
	struct json json = { 0 };
	char comm[32];

	snprintf(comm, sizeof(comm), "%.16s", notice->comm);
	begin(names, &json, "refused", notice->time);
	json_uint_member(&json, "pid", notice->pid);
	json_uint_member(&json, "tid", notice->tid);
	json_text_member(&json, "comm", comm);
	json_text_member(&json, "call", calls[notice->api == REFUSED_IO_SETUP]);
	json_uint_member(&json, "errno", notice->sq);
	json_text_member(&json, "cause", refusal_cause(notice, disabled));
	json_int_member(&json, "seccomp", (int32_t)notice->cq);
	json_int_member(&json, "disabled", disabled);
	json_bool_member(&json, "container", notice->flags & REFUSED_CONTAINER);
	end(names, &json);
}

void names_exec(struct names *names, const struct notice *notice)
{
	char comm[32];

	/* one that does nothing we see needs no name; when it does, it may be gone before it can be asked */
	if (!table_get(&names->processes, notice->pid + 1)) {
		for (int half = 0; half < 2; half++) {
			uint64_t bytes;
			memcpy(&bytes, notice->comm + half * sizeof(bytes), sizeof(bytes));
			table_put(&names->programs[half], notice->pid + 1, bytes);
		}
		return;
	}
	forget(names, notice->pid);
	snprintf(comm, sizeof(comm), "%.16s", notice->comm);
	send_process(names, notice->pid, comm, notice->time);
}

void names_exit(struct names *names, const struct notice *notice)
{
	uint64_t *state = table_get(&names->processes, notice->pid + 1);

	/* kept until the pid comes again: its last completions may still arrive */
	if (state)
		*state = DEAD;
}

/* The name that the process had when it began to run its program; empty when that was not seen. */
static void remembered_name(const struct names *names, uint32_t pid, char *comm, size_t size)
{
	char text[16] = "";

	for (int half = 0; half < 2; half++) {
		const uint64_t *bytes = table_get(&names->programs[half], pid + 1);
		if (bytes)
			memcpy(text + half * sizeof(*bytes), bytes, sizeof(*bytes));
	}
	snprintf(comm, size, "%.16s", text);
}

void names_task(struct names *names, uint32_t pid, uint32_t tid, uint64_t now)
{
	uint64_t key = (uint64_t)pid << 32 | tid;
	struct json json = { 0 };
	char comm[32];

	if (names->last_thread == key + 1)
		return;
	names->last_thread = key + 1;
	if (table_get(&names->threads, key))
		return;
	table_put(&names->threads, key, ALIVE);
	if (!table_get(&names->processes, pid + 1)) {
		process_name(pid, comm, sizeof(comm));
		if (comm[0] == 0)
			remembered_name(names, pid, comm, sizeof(comm));
		send_process(names, pid, comm, now);
	}
	thread_name(pid, tid, comm, sizeof(comm));
	if (comm[0] == 0)
		return;
	begin(names, &json, "thread", now);
	json_uint_member(&json, "pid", pid);
	json_uint_member(&json, "tid", tid);
	json_text_member(&json, "comm", comm);
	end(names, &json);
}

static bool is_direct(uint32_t pid, int32_t fd)
{
	char path[64], line[64];
	unsigned int flags = 0;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", pid, fd);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	fclose(file);
	return flags & O_DIRECT;
}

void names_descriptor(struct names *names, uint32_t pid, int32_t fd, bool direct, uint64_t now)
{
	uint64_t key = (uint64_t)pid << 32 | ((uint32_t)fd + 1);
	char path[64], target[4096];
	struct stat status;

	if (table_get(&names->files, key))
		return;
	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, fd);
	ssize_t size = readlink(path, target, sizeof(target) - 1);
	if (size < 0 || stat(path, &status) != 0) {
		table_put(&names->files, key, UNRESOLVED);
		return;
	}
	target[size] = 0;
	table_put(&names->files, key, status.st_ino + 1);
	send_file(names, pid, fd, target, direct || is_direct(pid, fd), now, NULL);
}

void names_file(struct names *names, const struct file_notice *notice, uint32_t pid, int32_t fd)
{
	uint64_t key = (uint64_t)pid << 32 | ((uint32_t)fd + 1);
	uint64_t *known = table_get(&names->files, key);
	char text[64];
	const char *path = text;

	if (known && *known == ((notice->inode + 1) | TOLD_BY_KERNEL))
		return;
	if (S_ISSOCK(notice->mode)) {
		snprintf(text, sizeof(text), "socket:[%" PRIu64 "]", (uint64_t)notice->inode);
	} else if (S_ISFIFO(notice->mode) && notice->start + 1 >= FILE_PATH_BYTES) {
		/* a pipe has an empty name, unlike a FIFO of a directory */
		snprintf(text, sizeof(text), "pipe:[%" PRIu64 "]", (uint64_t)notice->inode);
	} else if (notice->start < FILE_PATH_BYTES) {
		path = notice->path + notice->start;
		if (path[1] == '[') {
			snprintf(text, sizeof(text), "anon_inode:%s", path + 1);
			path = text;
		}
	} else {
		return;
	}
	table_put(&names->files, key, (notice->inode + 1) | TOLD_BY_KERNEL);
	send_file(names, pid, fd, path, notice->head.flags & O_DIRECT, notice->head.time, notice);
}
