// SPDX-License-Identifier: MIT
#include "trace-state.h"
#include "privilege.h"
#include "process.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOADER_NICE (-10)

static void take_record(void *context, const struct record *record)
{
	merge_record(&((struct trace *)context)->merge, record);
}

static void take_notice(void *context, const struct notice *notice, uint32_t size)
{
	merge_notice(&((struct trace *)context)->merge, notice, size);
}

static bool refuse(struct trace *trace, const struct refusal *refusal, const char *reason, int status)
{
	report_hello(&trace->stream, trace->options, trace->options->pid);
	report_log(&trace->stream, "error", refusal->code, refusal->message, refusal->hint);
	trace->reason = reason;
	trace->status = status;
	return false;
}

static void track(void *context, pid_t pid)
{
	programs_track(context, pid);
}

static void probe(void *context, pid_t pid)
{
	programs_probe(context, pid);
}

/* Opens the target: the command behind its gate, or a handle of the process. */
static bool open_target(struct trace *trace, struct refusal *refusal)
{
	const struct options *options = trace->options;

	if (options->target == TARGET_PID) {
		trace->pidfd = syscall(SYS_pidfd_open, options->pid, 0);
		if (trace->pidfd >= 0)
			return true;
		refusal->code = errno == ESRCH ? "target-gone" : "bad-target";
		snprintf(refusal->message, sizeof(refusal->message), errno == ESRCH ? "There is no process %d." :
			 "%d is not a process that can be traced (perhaps it is a thread).", options->pid);
		snprintf(refusal->hint, sizeof(refusal->hint), "Give the id of a process that runs.");
		return refuse(trace, refusal, "error", EXIT_USAGE);
	}
	if (options->target == TARGET_COMMAND &&
	    !target_prepare(&trace->target, options->command, options->cwd, options->env)) {
		refusal->code = "bad-target";
		snprintf(refusal->message, sizeof(refusal->message), "No process could be started: %s.", strerror(errno));
		snprintf(refusal->hint, sizeof(refusal->hint), "Check the limits on processes and memory there.");
		return refuse(trace, refusal, "error", EXIT_CANNOT_TRACE);
	}
	return true;
}

static bool open_programs(struct trace *trace, struct refusal *refusal)
{
	const struct options *options = trace->options;

	if (!process_ids_are_global() && options->target != TARGET_ALL) {
		refusal->code = "cannot-trace";
		snprintf(refusal->message, sizeof(refusal->message),
			 "The loader runs in a container with process ids of its own, which the kernel does not know.");
		snprintf(refusal->hint, sizeof(refusal->hint), "Start it on the host, or in a container with the host's process ids (--pid=host).");
		return refuse(trace, refusal, "cannot-trace", EXIT_CANNOT_TRACE);
	}
	trace->programs = programs_load(&trace->request, refusal);
	if (!trace->programs)
		return refuse(trace, refusal, "cannot-trace", EXIT_CANNOT_TRACE);
	trace->names = names_new(&trace->stream);
	trace->tally = tally_new(programs_count_operations(trace->programs));
	trace->stacks = stacks_new(&trace->stream, programs_stack, trace->programs);
	trace->pairing = pairing_new(&trace->stream, trace->names, trace->tally, trace->stacks);
	watch_start(&trace->watch, options, trace->programs, trace->pairing, trace->tally, &trace->stream);
	if (!programs_lanes(trace->programs, &trace->merge.lanes) || !programs_sinks(trace->programs, take_record, take_notice, trace)) {
		refusal->code = "cannot-trace";
		snprintf(refusal->message, sizeof(refusal->message), "The kernel's ring buffer could not be mapped: %s.", strerror(errno));
		snprintf(refusal->hint, sizeof(refusal->hint), "Try a smaller --ring-buffer.");
		return refuse(trace, refusal, "cannot-trace", EXIT_CANNOT_TRACE);
	}
	/* what it does takes little time, but must not wait for the traced program to let it */
	setpriority(PRIO_PROCESS, 0, LOADER_NICE);
	int pid = options->target == TARGET_COMMAND ? trace->target.pid : options->pid;
	if (pid > 0)
		programs_track(trace->programs, pid);
	if (options->target == TARGET_PID)
		process_descendants(pid, track, trace->programs);
	char program[PATH_MAX];
	if (options->target == TARGET_COMMAND && program_of_command(options->command[0], options->cwd, options->env, program))
		trace->request.program = program;
	if (!programs_attach(trace->programs, &trace->request, refusal))
		return refuse(trace, refusal, "cannot-trace", EXIT_CANNOT_TRACE);
	trace->request.program = NULL;
	/* those that were born while the hooks were not there yet */
	if (options->target == TARGET_PID)
		process_descendants(pid, track, trace->programs);
	if (options->target != TARGET_COMMAND)
		process_descendants(options->target == TARGET_PID ? pid : 1, probe, trace->programs);
	/* time zero: what came before is told as of then */
	trace->stream.base = now_ns();
	report_hello(&trace->stream, options, pid);
	for (int api = 0; api < API_COUNT; api++)
		if (options->apis[api] && !trace->request.apis[api])
			report_log(&trace->stream, "warning", "cannot-trace", refusal->message, refusal->hint);
	privilege_drop();
	return true;
}

bool trace_open(struct trace *trace, struct refusal *refusal)
{
	return open_target(trace, refusal) && open_programs(trace, refusal);
}

void trace_release(struct trace *trace)
{
	merge_free(&trace->merge);
	stream_free(&trace->stream);
	if (!trace->programs)
		return;
	if (trace->pairing)
		pairing_free(trace->pairing);
	if (trace->names)
		names_free(trace->names);
	if (trace->stacks)
		stacks_free(trace->stacks);
	watch_free(&trace->watch);
	tally_free(trace->tally);
	programs_free(trace->programs);
}
