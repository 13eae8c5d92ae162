// SPDX-License-Identifier: MIT
#include "complaint.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[2048];
static char verdict[120];

/* The line before the verifier's statistics, or the last one. */
static void keep_verdict(char *log)
{
	const char *last = "";

	for (char *line = strtok(log, "\n"); line && !strstr(line, "END PROG LOAD LOG"); line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10) != 0 && strncmp(line, "verification time", 17) != 0 && strncmp(line, "stack depth", 11) != 0)
			last = line;
	snprintf(verdict, sizeof(verdict), "%s", last);
}

static int listen(enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t used = strlen(text);
	char *said;

	if (level != LIBBPF_WARN || vasprintf(&said, format, arguments) < 0)
		return 0;
	if (used < sizeof(text) - 1)
		snprintf(text + used, sizeof(text) - used, "%s", said);
	if (strstr(said, "BEGIN PROG LOAD LOG"))
		keep_verdict(said);
	free(said);
	return 0;
}

void complaint_listen(void)
{
	text[0] = verdict[0] = 0;
	libbpf_set_print(listen);
}

const char *complaint_text(void)
{
	return text;
}

const char *complaint_verdict(void)
{
	return verdict;
}
