// SPDX-License-Identifier: MIT
/* The command line. */
#ifndef RINGLIGHT_OPTIONS_H
#define RINGLIGHT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "filter.h"
#include "record.h"

enum mode { MODE_TRACE, MODE_DOCTOR, MODE_SELF_TEST, MODE_VERSION, MODE_HELP, MODE_PRINT_FORMAT };
/* How much is told: everything, one in a number, none but counts, or as much as can be. */
enum telling { TELL_WHAT_FITS, TELL_SPANS, TELL_SAMPLE, TELL_HISTOGRAMS };
enum target_kind { TARGET_NONE, TARGET_COMMAND, TARGET_PID, TARGET_ALL };

struct options {
	enum mode mode;
	enum target_kind target;
	int pid;
	char **command;		/* NULL-terminated */
	struct filter filter;	/* of TARGET_ALL */
	const char *cwd;
	char **env;		/* NULL-terminated K=V */
	bool apis[API_COUNT];
	bool calls;		/* io_uring_enter as well */
	uint32_t stacks;	/* the stack of one submission in so many; 0: of none */
	double duration;	/* seconds, 0: until stopped */
	uint32_t ring_buffer;	/* bytes for each CPU, a power of two; 0: as suits the machine */
	enum telling telling;
	uint32_t sample;	/* one in so many, for TELL_SAMPLE and the first step of TELL_WHAT_FITS */
	uint64_t pending;	/* ns after which an operation in flight is told; 0: never */
};

/* Whether every process of the machine is traced. */
static inline bool traces_all(const struct options *options)
{
	return options->target == TARGET_ALL && !filter_is_set(&options->filter);
}

extern const char USAGE[];
/* Names of the APIs, as the command line and the stream have them. */
extern const char *const API_TEXT[API_COUNT];

/* Reads `argv`; with --args-from-stdin, what stdin gives instead. False with a sentence in `problem`. */
bool options_read(struct options *options, int argc, char **argv, char *problem, unsigned long size);

#endif
