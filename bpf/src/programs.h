// SPDX-License-Identifier: MIT
/* The kernel programs: chosen for the running kernel, loaded, attached. Nothing is pinned: they die with us. */
#ifndef RINGLIGHT_PROGRAMS_H
#define RINGLIGHT_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "filter.h"
#include "lanes.h"
#include "record.h"

enum hook_state { HOOK_OFF, HOOK_UNAVAILABLE, HOOK_CHOSEN, HOOK_ATTACHED };

/* One thing we ask of the kernel, by the name of its tracepoint. */
struct hook_report {
	const char *name;
	enum hook_state state;
	char why[256];		/* unless attached */
};

struct programs_request {
	bool apis[API_COUNT];
	uint32_t stack_every;	/* tell the stack of one submission in so many; 0: of none */
	bool enter;		/* tell io_uring_enter as a call */
	pid_t pid;		/* whose C libraries are probed as well, 0: none */
	const char *program;	/* a file that is probed before it runs, because it may hold its C library; NULL: none */
	bool all;		/* every process, instead of those given to programs_track */
	struct filter filter;	/* with some of these instead */
	bool existing;		/* look for rings that are there already */
	uint32_t ring_buffer;	/* bytes for each CPU, a power of two; 0: as suits the machine */
};

/* Why nothing can be traced: a code of the launch protocol, what is the matter, the one thing to do. */
struct refusal {
	const char *code;
	char message[512];
	char hint[256];
};

struct programs;

/*
 * Loads what `request` asks for and this kernel has. An API that lacks a hook it can not do without is taken out
 * of `request`; when none is left, NULL. `*refusal` says why in both cases.
 */
struct programs *programs_load(struct programs_request *request, struct refusal *refusal);
/*
 * Attaches all that was loaded, and finds the rings that traced processes have already; what can not be is treated as by
 * programs_load, false when nothing is left.
 */
bool programs_attach(struct programs *programs, struct programs_request *request, struct refusal *refusal);
/* What became of each hook, also when loading or attaching failed; none before. */
const struct hook_report *programs_hooks(uint32_t *count);
/* Probes the C libraries of a process, where POSIX AIO is captured; programs_attach probes this machine's. */
void programs_probe(struct programs *programs, pid_t pid);
bool programs_track(struct programs *programs, uint32_t pid);
/* Nothing new is captured from here on; returns when what was under way is in the buffers. */
void programs_end(struct programs *programs);
/* Detaches and unloads. */
void programs_free(struct programs *programs);

typedef void (*record_sink)(void *context, const struct record *record);
typedef void (*notice_sink)(void *context, const struct notice *notice, uint32_t size);
/* Where programs_drain gives what is in the buffers. */
bool programs_sinks(struct programs *programs, record_sink records, notice_sink notices, void *context);
/* @returns the share of the fullest buffer that was taken, 0 to 1 */
double programs_drain(struct programs *programs);
/* How many ns, `most` at best, half of the buffers holds all that a target may do which was idle until now. */
uint64_t programs_patience(const struct programs *programs, uint64_t most);
/* A stack_reader of a struct programs. */
uint32_t programs_stack(void *programs, uint32_t place, uint64_t frames[STACK_DEPTH]);
/* Sums over all CPUs. */
struct counters programs_counters(const struct programs *programs);
/* Opens the reader of the hot records; false with errno set. */
bool programs_lanes(struct programs *programs, struct lanes *lanes);
/* Gives back numbers of rings whose process is gone. */
void programs_free_ring(struct programs *programs, uint32_t ring, uint64_t context);
/* Whether they count io_uring's operations while not each is told. Those for kernels before 5.18 tell each. */
bool programs_count_operations(const struct programs *programs);
/* 1: every io_uring operation is told from now on; more: one in so many; 0: none. */
void programs_set_every(struct programs *programs, uint32_t every);
/* What the programs keep while not every operation is told: FLIGHTS operations, and OPS histograms for each of `cpus`. */
struct aggregates {
	struct kernel_flight *flights;
	struct histogram *histograms;
	const struct ring_count *rings;	/* by number; NULL unless the whole machine is traced */
	uint32_t cpus;
};
struct aggregates programs_aggregates(const struct programs *programs);

#endif
