// SPDX-License-Identifier: MIT
/* What the parts of a recording share: trace-open.c makes it ready and takes it down, trace.c runs it. */
#ifndef RINGLIGHT_TRACE_STATE_H
#define RINGLIGHT_TRACE_STATE_H

#include "merge.h"
#include "report.h"
#include "stacks.h"
#include "target.h"
#include "watch.h"

enum phase { RUNNING, ENDING, SETTLING, OVER };

struct trace {
	const struct options *options;
	struct programs_request request;
	struct programs *programs;
	struct stream stream;
	struct names *names;
	struct stacks *stacks;
	struct pairing *pairing;
	struct merge merge;
	struct tally *tally;
	struct watch watch;
	struct target target;
	struct target_exit exit;
	int pidfd;		/* of the --pid target, else -1 */
	int input;		/* stdin while its end means something, else -1 */
	int saved_flags;	/* of stdout */
	enum phase phase;
	uint64_t phase_began, next_totals;
	uint64_t tick;		/* ns between our turns */
	double filled;		/* share of the fullest lane or buffer that the last turn found taken */
	uint64_t lost_told;
	const char *reason;
	int status;
};

/*
 * Opens the target and the kernel programs for it. False: the stream says why it can not be, and `status` is set.
 */
bool trace_open(struct trace *trace, struct refusal *refusal);
void trace_release(struct trace *trace);

#endif
