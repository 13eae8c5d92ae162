// SPDX-License-Identifier: MIT
#include "options.h"
#include "buffer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACKS_ONE_IN 16
#define MOST_ARGUMENT_BYTES (4 * 1024 * 1024)

const char *const API_TEXT[API_COUNT] = { "io_uring", "libaio", "posix-aio", "epoll", "sync" };

const char USAGE[] =
	"usage: ringlight-loader [OPTIONS] --pid N | --all | -- COMMAND [ARGUMENTS…]\n"
	"       ringlight-loader --doctor | --self-test | --version | --help\n"
	"\n"
	"Traces asynchronous I/O and writes the recording to stdout until stdin ends.\n"
	"\n"
	"  --apis LIST        some of io_uring,libaio,posix-aio,epoll,sync (default: io_uring,libaio)\n"
	"  --calls            also every io_uring_enter, as a system call\n"
	"  --stacks [N]       where in the program submissions come from, of one in N (default 16)\n"
	"  --comm NAME, --uid N, --cgroup DIR\n"
	"                     with --all, only processes of that name, of that user, in that control group (version 2)\n"
	"                     or below, and what they start\n"
	"  --duration S       stop after S seconds\n"
	"  --cwd DIR          where the command runs\n"
	"  --env K=V          set in the command's environment; may be repeated\n"
	"  --mode MODE        spans: every operation; sampled: one in N, and exact histograms; aggregate: histograms\n"
	"                     only; auto (the default): spans, and less for as long as these can not be kept up with\n"
	"  --sample N         the N of sampled, and of the first step down of auto (default 16)\n"
	"  --pending MS       tell operations that have been in flight for so long (default 1000; 0: never)\n"
	"  --ring-buffer MB   the kernel's buffer for each CPU, a power of two from 1 to 1024 (default 16; less where\n"
	"                     there are many CPUs)\n"
	"  --args-from-stdin  read the arguments from stdin: their size in bytes, a newline, and the\n"
	"                     arguments separated by NUL\n";

struct reading {
	struct options *options;
	char *problem;
	unsigned long size;
	int envs;
};

static bool wrong(struct reading *reading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reading->problem, reading->size, format, arguments);
	va_end(arguments);
	return false;
}

/* A whole number in decimal digits; false for anything else. */
static bool whole(const char *text, long least, long most, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno == 0 && *end == 0 && text[0] >= '0' && text[0] <= '9' && *value >= least && *value <= most;
}

static bool read_apis(struct reading *reading, const char *list)
{
	bool any = false;

	for (int api = 0; api < API_COUNT; api++)
		reading->options->apis[api] = false;
	for (const char *at = list; *at;) {
		size_t size = strcspn(at, ",");
		int api = 0;
		while (api < API_COUNT && (strlen(API_TEXT[api]) != size || strncmp(at, API_TEXT[api], size) != 0))
			api++;
		if (api == API_COUNT)
			return wrong(reading, "--apis knows io_uring, libaio, posix-aio, epoll and sync, not “%.*s”", (int)size, at);
		reading->options->apis[api] = any = true;
		at += size + (at[size] == ',');
	}
	return any || wrong(reading, "--apis wants at least one of io_uring, libaio, posix-aio, epoll and sync");
}

static bool set_target(struct reading *reading, enum target_kind kind)
{
	if (reading->options->target != TARGET_NONE)
		return wrong(reading, "give one of --pid, --all and a command, not several");
	reading->options->target = kind;
	return true;
}

static bool read_telling(struct reading *reading, const char *value)
{
	static const char *const names[] = { "auto", "spans", "sampled", "aggregate" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		reading->options->telling = (enum telling)i;
		return true;
	}
	return wrong(reading, "--mode knows auto, spans, sampled and aggregate, not “%s”", value);
}

/* An option that has a value. */
static bool read_valued(struct reading *reading, const char *name, char *value)
{
	struct options *options = reading->options;
	long number;
	char *end;

	if (strcmp(name, "--pid") == 0) {
		if (!whole(value, 1, 1 << 22, &number))
			return wrong(reading, "--pid wants a process id, not “%s”", value);
		options->pid = number;
		return set_target(reading, TARGET_PID);
	}
	if (strcmp(name, "--apis") == 0)
		return read_apis(reading, value);
	if (strcmp(name, "--duration") == 0) {
		options->duration = strtod(value, &end);
		if (*end || end == value || !isfinite(options->duration) || options->duration <= 0 || options->duration > 1e8)
			return wrong(reading, "--duration wants a positive number of seconds, not “%s”", value);
		return true;
	}
	if (strcmp(name, "--cwd") == 0) {
		options->cwd = value;
		return true;
	}
	if (strcmp(name, "--env") == 0) {
		if (value[0] == '=' || !strchr(value, '='))
			return wrong(reading, "--env wants NAME=VALUE, not “%s”", value);
		options->env = resized(options->env, reading->envs + 2, sizeof(*options->env));
		options->env[reading->envs++] = value;
		options->env[reading->envs] = NULL;
		return true;
	}
	if (strcmp(name, "--comm") == 0) {
		if (!value[0] || strlen(value) > 15)
			return wrong(reading, "--comm wants a process' name of up to 15 bytes, not “%s”", value);
		options->filter.comm = value;
		return true;
	}
	if (strcmp(name, "--uid") == 0) {
		if (!whole(value, 0, UINT32_MAX - 1L, &number))
			return wrong(reading, "--uid wants a user's number, not “%s”", value);
		options->filter.by_user = true;
		options->filter.uid = number;
		return true;
	}
	if (strcmp(name, "--cgroup") == 0)
		return filter_by_cgroup(&options->filter, value) ||
		       wrong(reading, "--cgroup wants the folder of a control group (version 2), not “%s”: %s", value, strerror(errno));
	if (strcmp(name, "--mode") == 0)
		return read_telling(reading, value);
	if (strcmp(name, "--sample") == 0) {
		if (!whole(value, 2, 1 << 20, &number))
			return wrong(reading, "--sample wants a number from 2 to %d, not “%s”", 1 << 20, value);
		options->sample = number;
		return true;
	}
	if (strcmp(name, "--pending") == 0) {
		if (!whole(value, 0, 1 << 30, &number))
			return wrong(reading, "--pending wants milliseconds, not “%s”", value);
		options->pending = number * 1000000ULL;
		return true;
	}
	if (!whole(value, 1, 1024, &number) || (number & (number - 1)))
		return wrong(reading, "--ring-buffer wants megabytes, a power of two from 1 to 1024, not “%s”", value);
	options->ring_buffer = number << 20;
	return true;
}

static bool has_value(const char *name)
{
	static const char *const names[] = { "--pid", "--apis", "--duration", "--cwd", "--env", "--ring-buffer", "--mode",
					     "--sample", "--pending", "--comm", "--uid", "--cgroup" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool read_mode(struct options *options, const char *name)
{
	static const struct { const char *name; enum mode mode; } modes[] = {
		{ "--doctor", MODE_DOCTOR }, { "--self-test", MODE_SELF_TEST }, { "--version", MODE_VERSION },
		{ "--help", MODE_HELP }, { "--print-format", MODE_PRINT_FORMAT },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(name, modes[i].name) != 0)
			continue;
		options->mode = modes[i].mode;
		return true;
	}
	return false;
}

static bool read_list(struct reading *reading, char **arguments)
{
	struct options *options = reading->options;

	for (; *arguments; arguments++) {
		const char *name = *arguments;
		if (strcmp(name, "--") == 0) {
			if (!arguments[1] || !arguments[1][0])
				return wrong(reading, "there is no command after “--”");
			options->command = arguments + 1;
			return set_target(reading, TARGET_COMMAND);
		}
		if (strcmp(name, "--all") == 0) {
			if (!set_target(reading, TARGET_ALL))
				return false;
		} else if (strcmp(name, "--stacks") == 0) {
			long every = STACKS_ONE_IN;
			if (arguments[1] && arguments[1][0] >= '0' && arguments[1][0] <= '9' && !whole(*++arguments, 1, 1 << 20, &every))
				return wrong(reading, "--stacks wants a number from 1 to %d, not “%s”", 1 << 20, *arguments);
			options->stacks = every;
		} else if (strcmp(name, "--calls") == 0) {
			options->calls = true;
		} else if (has_value(name)) {
			if (!*++arguments)
				return wrong(reading, "%s wants a value", name);
			if (!read_valued(reading, name, *arguments))
				return false;
		} else if (!read_mode(options, name)) {
			return wrong(reading, "“%s” is not an option of this program", name);
		}
	}
	return true;
}

/* Exactly `size` bytes; false at the end of the input. */
static bool read_bytes(char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t got = read(STDIN_FILENO, bytes, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		bytes += got;
		size -= got;
	}
	return true;
}

/* The arguments that come over stdin, which is left at the byte after them. */
static char **arguments_from_stdin(struct reading *reading)
{
	char line[16];
	size_t used = 0, count = 0;
	long size;

	for (;;) {
		if (used == sizeof(line) || !read_bytes(line + used, 1)) {
			wrong(reading, "stdin ended, or did not begin with a line that holds the arguments' size");
			return NULL;
		}
		if (line[used] == '\n')
			break;
		used++;
	}
	line[used] = 0;
	if (!whole(line, 1, MOST_ARGUMENT_BYTES, &size)) {
		wrong(reading, "stdin begins with “%s”, which is not a size from 1 to %d", line, MOST_ARGUMENT_BYTES);
		return NULL;
	}
	char *text = resized(NULL, size + 1, 1);
	if (!read_bytes(text, size)) {
		wrong(reading, "stdin ended before the %ld bytes of arguments it had announced", size);
		free(text);
		return NULL;
	}
	text[size] = 0;
	/* a trailing NUL ends the last argument and begins no other */
	if (text[size - 1] == 0)
		size--;
	char **arguments = resized(NULL, size + 2, sizeof(*arguments));
	for (char *at = text; at <= text + size; at += strlen(at) + 1)
		arguments[count++] = at;
	arguments[count] = NULL;
	return arguments;
}

bool options_read(struct options *options, int argc, char **argv, char *problem, unsigned long size)
{
	struct reading reading = { .options = options, .problem = problem, .size = size };
	char **arguments = argv + (argc > 0);

	*options = (struct options){ .apis = { true, true }, .sample = 16, .pending = 1000000000ULL };
	if (arguments[0] && strcmp(arguments[0], "--args-from-stdin") == 0) {
		if (arguments[1])
			return wrong(&reading, "--args-from-stdin takes no other arguments");
		arguments = arguments_from_stdin(&reading);
		if (!arguments)
			return false;
	}
	if (!read_list(&reading, arguments))
		return false;
	if (options->mode == MODE_TRACE && options->target == TARGET_NONE)
		return wrong(&reading, "there is nothing to trace: give --pid N, --all, or -- and a command");
	if (options->target != TARGET_ALL && filter_is_set(&options->filter))
		return wrong(&reading, "--comm, --uid and --cgroup are for --all");
	if (options->target != TARGET_COMMAND && (options->cwd || options->env))
		return wrong(&reading, "--cwd and --env are for a command");
	return true;
}
