// SPDX-License-Identifier: MIT
#include "trace.h"
#include "trace-state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MS 1000000ULL
/* how often we look: a lane or buffer fills by no more than a part meanwhile, and an idle target is left alone */
#define LEAST_TICK (5 * MS)
#define MOST_TICK (20 * MS)
#define FILL_A_TICK (1.0 / 16)
/* how long a record is held back for earlier ones that are written later */
#define HORIZON (2 * MS)
/* a lane that is fuller than this after a turn is read again at once, so often */
#define CALM_LANE (1.0 / 8)
#define MOST_MORE 3
#define TOTALS_EVERY (500 * MS)
/* how long completions may come after the target is gone: workers of the kernel cancel what is left */
#define SETTLE_LEAST (10 * MS)
#define SETTLE_MOST (200 * MS)
#define END_MOST (5000 * MS)
#define FLUSH_MOST (2000 * MS)

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

static void handle_record(void *context, const struct record *record)
{
	pairing_record(((struct trace *)context)->pairing, record);
}

static void handle_notice(void *context, const struct notice *notice)
{
	struct trace *trace = context;
	uint32_t pid = notice->pid;
	int32_t fd = notice->fd;
	bool fixed = false;

	switch ((enum notice_kind)notice->kind) {
	case NOTICE_RING:
		pairing_ring(trace->pairing, notice);
		names_ring(trace->names, notice);
		break;
	case NOTICE_EXEC:
		names_exec(trace->names, notice);
		stacks_forget(trace->stacks, pid);
		programs_probe(trace->programs, pid);
		break;
	case NOTICE_EXIT:
		names_exit(trace->names, notice);
		stacks_forget(trace->stacks, pid);
		watch_departure(&trace->watch, notice->pid, notice->time);
		break;
	case NOTICE_REFUSED:
		names_refused(trace->names, notice);
		break;
	case NOTICE_FILE:
		if (fd < 0 && !pairing_request(trace->pairing, notice->ring, notice->key, &pid, &fd, &fixed))
			break;
		if (fd >= 0 && !fixed)
			names_file(trace->names, (const struct file_notice *)notice, pid, fd);
		break;
	}
}

static struct totals totals_of(const struct trace *trace)
{
	struct totals totals = { 0 };

	if (!trace->programs)
		return totals;
	struct counters counters = programs_counters(trace->programs);
	for (int api = 0; api < API_COUNT; api++) {
		bool lanes = api == API_IO_URING;
		int64_t completed = (int64_t)counters.completed[api] + pairing_extra(trace->pairing, api) +
				    (lanes ? (int64_t)trace->merge.lanes.completed : 0);
		totals.apis[api] = trace->request.apis[api];
		totals.submitted[api] = counters.submitted[api] +
					(lanes ? trace->merge.lanes.submitted + pairing_found(trace->pairing) : 0);
		totals.completed[api] = completed > 0 ? completed : 0;
	}
	totals.lost_kernel = counters.lost + counters.lost_notices;
	totals.lost_unpaired = pairing_unpaired(trace->pairing);
	totals.every = pace_every(&trace->watch.pace);
	return totals;
}

/* Moves what is in the kernel's buffers up to `until` into frames, and frames to the reader. */
static void pump(struct trace *trace, uint64_t until)
{
	double buffered = trace->filled = programs_drain(trace->programs);
	merge_run(&trace->merge, until, handle_record, handle_notice, trace);
	if (trace->merge.lanes.found > trace->filled)
		trace->filled = trace->merge.lanes.found;
	/* reading took its time: what came meanwhile need not wait, nor make it look as if we could not keep up */
	for (int more = 0; more < MOST_MORE && until != UINT64_MAX && lanes_fill(&trace->merge.lanes) > CALM_LANE; more++) {
		programs_drain(trace->programs);
		merge_run(&trace->merge, now_ns() - HORIZON, handle_record, handle_notice, trace);
	}
	uint64_t now = now_ns();
	watch_tick(&trace->watch, &trace->merge.lanes, buffered, now);
	struct totals totals = totals_of(trace);
	if (totals.lost_kernel > trace->lost_told) {
		struct instant lost = { .kind = INSTANT_LOST, .time = now, .value = totals.lost_kernel - trace->lost_told };
		stream_instant(&trace->stream, &lost);
		trace->lost_told = totals.lost_kernel;
	}
	stream_flush(&trace->stream, now, false);
	if (now >= trace->next_totals) {
		report_totals(&trace->stream, &totals);
		trace->next_totals = now + TOTALS_EVERY;
	}
	stream_write(&trace->stream);
}

static void enter(struct trace *trace, enum phase phase)
{
	trace->phase = phase;
	trace->phase_began = now_ns();
}

/* The recording is to end, for the first of the reasons that come up. */
static void stop(struct trace *trace, const char *reason)
{
	if (trace->phase != RUNNING)
		return;
	trace->reason = reason;
	if (trace->options->target == TARGET_COMMAND) {
		target_end(&trace->target);
		enter(trace, ENDING);
	} else {
		enter(trace, strcmp(reason, "target-exited") == 0 ? SETTLING : OVER);
	}
}

static void command_failed(struct trace *trace, const char *name, const char *what, int error, const char *hint)
{
	char message[512];

	snprintf(message, sizeof(message), "“%.300s” %s: %s.", name, what, strerror(error));
	report_log(&trace->stream, "error", "bad-target", message, hint);
	trace->status = EXIT_USAGE;
	stop(trace, "error");
}

static void read_news(struct trace *trace)
{
	struct news news;
	char **command = trace->options->command;

	while ((news = target_news(&trace->target)).kind != NEWS_NONE) {
		switch (news.kind) {
		case NEWS_EXEC_FAILED:
			command_failed(trace, command[0], "could not be run", news.value,
				       "Check that the command exists there and may be executed.");
			break;
		case NEWS_CWD_FAILED:
			command_failed(trace, trace->options->cwd, "can not be the working directory", news.value,
				       "Give a directory that exists there.");
			break;
		case NEWS_USER_FAILED:
			command_failed(trace, command[0], "can not be run as the user who called sudo", news.value,
				       "Run the loader as root, without sudo.");
			break;
		case NEWS_EXITED:
		case NEWS_KILLED:
			if (trace->phase != RUNNING)
				break;
			trace->exit = (struct target_exit){ true, news.kind == NEWS_KILLED, news.value };
			trace->status = news.kind == NEWS_KILLED || news.value != 0 ? EXIT_TARGET_FAILED : EXIT_OK;
			stop(trace, "target-exited");
			break;
		case NEWS_ALL_GONE:
			stop(trace, "target-exited");
			if (trace->phase == ENDING)
				enter(trace, SETTLING);
			return;
		case NEWS_NONE:
		case NEWS_PID:
			break;
		}
	}
}

static bool is_settled(const struct trace *trace, uint64_t since)
{
	struct totals totals = totals_of(trace);
	bool idle = true;

	for (int api = 0; api < API_COUNT; api++)
		idle = idle && totals.submitted[api] <= totals.completed[api];
	return since >= SETTLE_MOST || (idle && since >= SETTLE_LEAST);
}

/* How long to wait before the next turn, after one that found the buffers as full as they were. */
static uint64_t next_tick(const struct trace *trace)
{
	uint64_t most = programs_patience(trace->programs, MOST_TICK);

	if (trace->phase != RUNNING || stream_waiting(&trace->stream) > 0 || trace->filled > FILL_A_TICK)
		return LEAST_TICK;
	uint64_t tick = trace->tick + LEAST_TICK;
	/* at this rate it may take as long */
	double fills = trace->filled > 0 ? trace->tick * FILL_A_TICK / trace->filled : most;
	if (fills < tick)
		tick = fills;
	return tick < LEAST_TICK || most < LEAST_TICK ? LEAST_TICK : tick > most ? most : tick;
}

/* Waits a tick, or until something but the kernel's buffers wants attention. */
static void wait_tick(struct trace *trace, const sigset_t *unblocked)
{
	bool command = trace->options->target == TARGET_COMMAND && trace->phase <= ENDING;
	struct pollfd fds[] = {
		{ .fd = trace->input, .events = POLLIN },
		{ .fd = command ? trace->target.news : -1, .events = POLLIN },
		{ .fd = trace->phase == RUNNING ? trace->pidfd : -1, .events = POLLIN },
		/* a reader that is gone shows as an error without being asked for */
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	struct timespec tick = { .tv_nsec = trace->tick };
	char bytes[4096];

	if (ppoll(fds, 4, &tick, unblocked) <= 0)
		return;
	if (fds[0].revents) {
		/* whatever is sent is only a sign of life; the end is what counts */
		ssize_t got = read(trace->input, bytes, sizeof(bytes));
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
			trace->input = -1;
			stop(trace, "stopped");
		}
	}
	if (fds[1].revents)
		read_news(trace);
	if (fds[2].revents)
		stop(trace, "target-exited");
	if (fds[3].revents & (POLLERR | POLLNVAL))
		trace->stream.broken = true;
}

static void run(struct trace *trace, const sigset_t *unblocked)
{
	double duration = trace->options->duration;
	uint64_t deadline = duration > 0 ? now_ns() + (uint64_t)(duration * 1e9) : UINT64_MAX;

	while (trace->phase != OVER) {
		trace->tick = next_tick(trace);
		wait_tick(trace, unblocked);
		uint64_t now = now_ns();
		pump(trace, now - HORIZON);
		if (stop_signal)
			stop(trace, "signal");
		else if (trace->stream.broken)
			stop(trace, "stopped");
		else if (now >= deadline)
			stop(trace, "duration");
		if (trace->phase == ENDING && now - trace->phase_began > END_MOST && now > trace->phase_began)
			enter(trace, SETTLING);
		if (trace->phase == SETTLING && now > trace->phase_began && is_settled(trace, now - trace->phase_began))
			enter(trace, OVER);
	}
}

/* Everything that is left goes out, as far as the reader takes it. */
static void finish(struct trace *trace)
{
	struct totals totals = { 0 };

	if (trace->programs) {
		programs_end(trace->programs);
		pump(trace, UINT64_MAX);
		pairing_finish(trace->pairing, now_ns());
		watch_end(&trace->watch, now_ns());
		stream_flush(&trace->stream, now_ns(), true);
		totals = totals_of(trace);
	}
	report_goodbye(&trace->stream, trace->reason, &trace->exit, &totals);

	uint64_t deadline = now_ns() + FLUSH_MOST;
	size_t pending = SIZE_MAX;
	for (;;) {
		stream_write(&trace->stream);
		size_t left = stream_waiting(&trace->stream);
		if (left == 0 || now_ns() >= deadline)
			break;
		if (left < pending)
			deadline = now_ns() + FLUSH_MOST;
		pending = left;
		poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, 100);
	}
}

/* stdin, if its end means that the host is gone: not a terminal, and not /dev/null, which has always ended. */
static int host_input(void)
{
	struct stat status;

	if (fstat(STDIN_FILENO, &status) != 0 || isatty(STDIN_FILENO))
		return -1;
	bool nothing = S_ISCHR(status.st_mode) && major(status.st_rdev) == 1 && minor(status.st_rdev) == 3;
	return nothing ? -1 : STDIN_FILENO;
}

static void catch_signals(sigset_t *unblocked)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &(struct sigaction){ .sa_handler = on_signal }, NULL);
		sigaddset(&blocked, numbers[i]);
	}
	/* taken only while waiting */
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
}

int trace_run(const struct options *options)
{
	struct trace trace = {
		.options = options, .pidfd = -1, .input = host_input(), .reason = "error",
		.request = { .all = traces_all(options), .filter = options->filter, .existing = options->target != TARGET_COMMAND,
			     .pid = options->target == TARGET_PID ? options->pid : 0, .enter = options->calls,
			     .stack_every = options->stacks, .ring_buffer = options->ring_buffer },
	};
	struct refusal refusal = { 0 };
	sigset_t unblocked;

	memcpy(trace.request.apis, options->apis, sizeof(trace.request.apis));
	stream_open(&trace.stream, STDOUT_FILENO, now_ns());
	catch_signals(&unblocked);
	bool opened = trace_open(&trace, &refusal);
	trace.saved_flags = fcntl(STDOUT_FILENO, F_GETFL);
	fcntl(STDOUT_FILENO, F_SETFL, trace.saved_flags | O_NONBLOCK);
	if (opened) {
		if (options->target == TARGET_COMMAND)
			target_start(&trace.target);
		run(&trace, &unblocked);
	}
	if (options->target == TARGET_COMMAND) {
		target_end(&trace.target);
		if (trace.target.guardian > 0)
			target_wait(&trace.target);
	}
	finish(&trace);
	fcntl(STDOUT_FILENO, F_SETFL, trace.saved_flags);
	/* the reader need not wait while the kernel detaches */
	close(STDOUT_FILENO);
	trace_release(&trace);
	return trace.status;
}
