// SPDX-License-Identifier: MIT
#include "report.h"
#include "json.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void time_member(struct json *json, const struct stream *stream)
{
	json_uint_member(json, "t", now_ns() - stream->base);
}

static void send(struct stream *stream, enum frame_type type, struct json *json)
{
	json_close(json, '}');
	stream_json(stream, type, &json->text);
	buffer_free(&json->text);
}

void report_hooks(struct json *json)
{
	static const char *const states[] = { "off", "unavailable", "unavailable", "attached" };
	uint32_t count;
	const struct hook_report *hooks = programs_hooks(&count);

	json_open(json, '[');
	for (uint32_t i = 0; i < count; i++) {
		json_open(json, '{');
		json_text_member(json, "name", hooks[i].name);
		json_text_member(json, "state", states[hooks[i].state]);
		if (hooks[i].state != HOOK_ATTACHED)
			json_text_member(json, "why", hooks[i].why);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void report_hello(struct stream *stream, const struct options *options, int pid)
{
	static const char *const modes[] = { "spans", "spans", "sampled", "aggregate" };
	static const char *const kinds[] = { "all", "command", "pid", "all" };
	struct json json = { 0 };
	struct utsname host;
	struct timespec wall;
	char text[32];

	uname(&host);
	clock_gettime(CLOCK_REALTIME, &wall);
	int64_t wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (int64_t)((now_ns() - stream->base) / 1000000);

	json_open(&json, '{');
	json_uint_member(&json, "protocol", FORMAT_VERSION);
	json_text_member(&json, "loader", LOADER_VERSION);
	json_text_member(&json, "machine", host.machine);
	json_text_member(&json, "kernel", host.release);
	json_key(&json, "clock");
	json_open(&json, '{');
	snprintf(text, sizeof(text), "%llu", (unsigned long long)stream->base);
	json_text_member(&json, "mono_ns", text);
	json_int_member(&json, "wall_ms", wall_ms);
	json_close(&json, '}');
	json_int_member(&json, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_text_member(&json, "mode", modes[options->telling]);
	json_key(&json, "target");
	json_open(&json, '{');
	json_text_member(&json, "kind", kinds[options->target]);
	if (pid > 0)
		json_int_member(&json, "pid", pid);
	if (options->target == TARGET_COMMAND) {
		json_key(&json, "argv");
		json_open(&json, '[');
		for (char **argument = options->command; *argument; argument++)
			json_text(&json, *argument);
		json_close(&json, ']');
	}
	json_close(&json, '}');
	json_key(&json, "hooks");
	report_hooks(&json);
	send(stream, FRAME_HELLO, &json);
}

static void totals_members(struct json *json, const struct stream *stream, const struct totals *totals)
{
	time_member(json, stream);
	json_key(json, "apis");
	json_open(json, '[');
	for (int api = 0; api < API_COUNT; api++) {
		if (!totals->apis[api])
			continue;
		uint64_t submitted = totals->submitted[api], completed = totals->completed[api];
		json_open(json, '{');
		json_text_member(json, "api", API_TEXT[api]);
		json_uint_member(json, "submitted", submitted);
		json_uint_member(json, "completed", completed);
		json_uint_member(json, "inflight", submitted > completed ? submitted - completed : 0);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_uint_member(json, "spans", stream->spans);
	json_uint_member(json, "calls", stream->calls);
	json_key(json, "lost");
	json_open(json, '{');
	json_uint_member(json, "kernel", totals->lost_kernel);
	json_uint_member(json, "stream", stream->dropped_frames);
	json_uint_member(json, "unpaired", totals->lost_unpaired);
	json_close(json, '}');
	json_text_member(json, "mode", totals->every == 1 ? "spans" : totals->every ? "sampled" : "aggregate");
	if (totals->every > 1)
		json_uint_member(json, "every", totals->every);
}

void report_totals(struct stream *stream, const struct totals *totals)
{
	struct json json = { 0 };

	json_open(&json, '{');
	totals_members(&json, stream, totals);
	send(stream, FRAME_TOTALS, &json);
}

void report_goodbye(struct stream *stream, const char *reason, const struct target_exit *exit, const struct totals *totals)
{
	struct json json = { 0 };

	json_open(&json, '{');
	time_member(&json, stream);
	json_text_member(&json, "reason", reason);
	if (exit->known) {
		json_key(&json, "exit");
		json_open(&json, '{');
		json_int_member(&json, exit->signalled ? "signal" : "code", exit->value);
		json_close(&json, '}');
	}
	json_key(&json, "totals");
	json_open(&json, '{');
	totals_members(&json, stream, totals);
	json_close(&json, '}');
	send(stream, FRAME_GOODBYE, &json);
}

void report_log(struct stream *stream, const char *level, const char *code, const char *message, const char *hint)
{
	struct json json = { 0 };

	json_open(&json, '{');
	time_member(&json, stream);
	json_text_member(&json, "level", level);
	json_text_member(&json, "code", code);
	json_text_member(&json, "message", message);
	if (hint[0])
		json_text_member(&json, "hint", hint);
	send(stream, FRAME_LOG, &json);
	if (strcmp(level, "info") != 0)
		fprintf(stderr, "ringlight-loader: %s%s%s\n", message, hint[0] ? " " : "", hint);
}
