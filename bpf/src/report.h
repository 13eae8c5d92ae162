// SPDX-License-Identifier: MIT
/* The JSON frames but those with names: what the recording is, how much of it there is, how it ended. */
#ifndef RINGLIGHT_REPORT_H
#define RINGLIGHT_REPORT_H

#include "frame.h"
#include "options.h"
#include "programs.h"

#define LOADER_VERSION "0.1.0"

/* Exit status, as in src/protocol/wire.ts. */
enum loader_exit { EXIT_OK = 0, EXIT_TARGET_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT_TRACE = 3 };

struct totals {
	bool apis[API_COUNT];
	uint64_t submitted[API_COUNT], completed[API_COUNT];
	uint64_t lost_kernel, lost_unpaired;
	uint32_t every;		/* one operation in so many is told; 1 each, 0 none */
};
struct target_exit {
	bool known, signalled;
	int value;
};

uint64_t now_ns(void);
void report_hello(struct stream *stream, const struct options *options, int pid);
void report_totals(struct stream *stream, const struct totals *totals);
void report_goodbye(struct stream *stream, const char *reason, const struct target_exit *exit, const struct totals *totals);
/* A frame, and for warnings and errors a line on stderr too: there may be no reader of frames. */
void report_log(struct stream *stream, const char *level, const char *code, const char *message, const char *hint);
/* The array of hooks, for Hello and for the doctor. */
struct json;
void report_hooks(struct json *json);

#endif
