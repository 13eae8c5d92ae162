// SPDX-License-Identifier: MIT
#include "doctor.h"
#include "format.h"
#include "options.h"
#include "report.h"
#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A missing stdin, stdout or stderr would be taken by the next file that is opened. */
static void open_standard_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options options;
	char problem[512];

	open_standard_descriptors();
	if (!options_read(&options, argc, argv, problem, sizeof(problem))) {
		fprintf(stderr, "ringlight-loader: %s (see --help)\n", problem);
		return EXIT_USAGE;
	}
	switch (options.mode) {
	case MODE_VERSION:
		puts("ringlight-loader " LOADER_VERSION);
		return EXIT_OK;
	case MODE_HELP:
		fputs(USAGE, stdout);
		return EXIT_OK;
	case MODE_PRINT_FORMAT:
		return print_format();
	case MODE_DOCTOR:
		return doctor_run();
	case MODE_SELF_TEST:
		return self_test_run();
	case MODE_TRACE:
		break;
	}
	if (isatty(STDOUT_FILENO)) {
		fputs("ringlight-loader: a recording is binary; redirect stdout to a file or a pipe\n", stderr);
		return EXIT_USAGE;
	}
	return trace_run(&options);
}
