// SPDX-License-Identifier: MIT
#include "format.h"
#include "json.h"
#include "record.h"
#include "report.h"

#include <stdio.h>

struct constant {
	const char *name;
	int64_t value;
};

static void constants(struct json *json, const char *key, const struct constant *list, size_t count)
{
	json_key(json, key);
	json_open(json, '{');
	for (size_t i = 0; i < count; i++)
		json_int_member(json, list[i].name, list[i].value);
	json_close(json, '}');
}
#define CONSTANTS(json, key, ...) \
	constants(json, key, (const struct constant[]){ __VA_ARGS__ }, \
		  sizeof((const struct constant[]){ __VA_ARGS__ }) / sizeof(struct constant))

#define NAMES(name, kind, value) { #name, #kind },
static const char *const SPAN_ROWS[][2] = { SPAN_FIELDS(NAMES) };
static const char *const CALL_ROWS[][2] = { CALL_FIELDS(NAMES) };
static const char *const INSTANT_ROWS[][2] = { INSTANT_FIELDS(NAMES) };

static void fields(struct json *json, const char *key, const char *const (*rows)[2], size_t count)
{
	json_key(json, key);
	json_open(json, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, '[');
		json_text(json, rows[i][0]);
		json_text(json, rows[i][1]);
		json_close(json, ']');
	}
	json_close(json, ']');
}

#define CALLS { "io_uring_enter", CALL_IO_URING_ENTER }, { "io_submit", CALL_IO_SUBMIT }, { "io_getevents", CALL_IO_GETEVENTS }, \
	{ "io_pgetevents", CALL_IO_PGETEVENTS }, { "epoll_wait", CALL_EPOLL_WAIT }, { "epoll_pwait", CALL_EPOLL_PWAIT }, \
	{ "epoll_pwait2", CALL_EPOLL_PWAIT2 }, { "read", CALL_READ }, { "write", CALL_WRITE }, { "pread64", CALL_PREAD64 }, \
	{ "pwrite64", CALL_PWRITE64 }, { "readv", CALL_READV }, { "writev", CALL_WRITEV }, { "preadv", CALL_PREADV }, \
	{ "pwritev", CALL_PWRITEV }, { "preadv2", CALL_PREADV2 }, { "pwritev2", CALL_PWRITEV2 }, { "fsync", CALL_FSYNC }, \
	{ "fdatasync", CALL_FDATASYNC }

int print_format(void)
{
	struct json json = { 0 };

	json_open(&json, '{');
	json_key(&json, "magic");
	json_open(&json, '[');
	for (int i = 0; i < MAGIC_BYTES; i++)
		json_int(&json, (unsigned char)MAGIC[i]);
	json_close(&json, ']');
	CONSTANTS(&json, "limits", { "FORMAT_VERSION", FORMAT_VERSION }, { "FRAME_HEADER_BYTES", FRAME_HEADER_BYTES },
		  { "MAX_FRAME_PAYLOAD", MAX_FRAME_PAYLOAD });
	CONSTANTS(&json, "FrameType", { "Hello", FRAME_HELLO }, { "Info", FRAME_INFO }, { "Totals", FRAME_TOTALS },
		  { "Log", FRAME_LOG }, { "Goodbye", FRAME_GOODBYE }, { "Histograms", FRAME_HISTOGRAMS }, { "Census", FRAME_CENSUS },
		  { "Threads", FRAME_THREADS }, { "Spans", FRAME_SPANS }, { "Instants", FRAME_INSTANTS }, { "Calls", FRAME_CALLS },
		  { "Pending", FRAME_PENDING });
	CONSTANTS(&json, "Api", { "io_uring", API_IO_URING }, { "libaio", API_LIBAIO }, { "posix-aio", API_POSIX_AIO },
		  { "epoll", API_EPOLL }, { "sync", API_SYNC });
	CONSTANTS(&json, "Call", CALLS);
	CONSTANTS(&json, "SpanFlag", { "Punted", SPAN_PUNTED }, { "PuntExpected", SPAN_PUNT_EXPECTED },
		  { "Polled", SPAN_POLLED }, { "Linked", SPAN_LINKED }, { "MultishotMore", SPAN_MULTISHOT_MORE },
		  { "Overflow", SPAN_OVERFLOW }, { "EndInferred", SPAN_END_INFERRED }, { "Unfinished", SPAN_UNFINISHED },
		  { "SqPoll", SPAN_SQPOLL }, { "FixedFile", SPAN_FIXED_FILE }, { "Approximate", SPAN_APPROXIMATE },
		  { "Direct", SPAN_DIRECT }, { "EndIsReap", SPAN_END_IS_REAP }, { "Rejected", SPAN_REJECTED },
		  { "Foreign", SPAN_FOREIGN }, { "Sampled", SPAN_SAMPLED }, { "FixedBuffer", SPAN_FIXED_BUFFER },
		  { "Notification", SPAN_NOTIFICATION }, { "Signals", SPAN_SIGNALS });
	CONSTANTS(&json, "InstantKind", { "CqOverflow", INSTANT_CQ_OVERFLOW }, { "ShortWrite", INSTANT_SHORT_WRITE },
		  { "LinkFailed", INSTANT_LINK_FAILED }, { "Lost", INSTANT_LOST }, { "Mode", INSTANT_MODE },
		  { "Register", INSTANT_REGISTER }, { "Security", INSTANT_SECURITY });
	CONSTANTS(&json, "LoaderExit", { "Ok", EXIT_OK }, { "TargetFailed", EXIT_TARGET_FAILED }, { "Usage", EXIT_USAGE },
		  { "CannotTrace", EXIT_CANNOT_TRACE });
	fields(&json, "SPAN_FIELDS", SPAN_ROWS, sizeof(SPAN_ROWS) / sizeof(SPAN_ROWS[0]));
	fields(&json, "CALL_FIELDS", CALL_ROWS, sizeof(CALL_ROWS) / sizeof(CALL_ROWS[0]));
	fields(&json, "INSTANT_FIELDS", INSTANT_ROWS, sizeof(INSTANT_ROWS) / sizeof(INSTANT_ROWS[0]));
	json_close(&json, '}');
	printf("%.*s\n", (int)json.text.size, json.text.bytes);
	buffer_free(&json.text);
	return EXIT_OK;
}
