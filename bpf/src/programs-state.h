// SPDX-License-Identifier: MIT
/*
 * What the parts of the kernel programs' side share: programs.c chooses, loads and attaches, programs-probes.c probes
 * libraries, programs-data.c is about what the programs and we hand to each other.
 */
#ifndef RINGLIGHT_PROGRAMS_STATE_H
#define RINGLIGHT_PROGRAMS_STATE_H

#include "hooks.h"
#include "programs.h"
#include "kernel.skel.h"

#define MOST_HOOKS 128

/* A file that was looked at for functions to probe. */
struct library {
	dev_t device;
	ino_t inode;
};

struct programs {
	uint32_t next_ring;	/* the least number that was never given out */
	uint32_t last_ring;	/* the greatest that was taken */
	size_t drained;		/* bytes taken from the buffer that is being drained */
	struct kernel *kernel;
	struct bpf_link *links[MOST_HOOKS];
	struct bpf_link *again[MOST_HOOKS];	/* of second programs */
	struct library *libraries;
	struct bpf_link **probes;
	uint32_t library_count, probe_count;
	struct ring_buffer *hot, *rare;
	uint32_t cpus;
	struct aggregates aggregates;
	struct record *places;
	record_sink records;
	notice_sink notices;
	void *context;
};

/* The variant that is loaded for a hook, or NULL. */
const struct variant *programs_chosen(uint32_t hook);
enum hook_state programs_hook_state(uint32_t hook);
void programs_set_hook(uint32_t hook, enum hook_state state, const char *why);

/* Before the load: how large the shared maps are. */
void programs_size_maps(struct kernel *kernel, const struct programs_request *request);
/* After it. */
void programs_open_data(struct programs *programs);
/* Probes the C libraries of this machine, and of the process that is traced. */
void programs_probe_all(struct programs *programs, const struct programs_request *request);

#endif
