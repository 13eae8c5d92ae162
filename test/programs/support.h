// SPDX-License-Identifier: MIT
/* Shared by the workloads. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Ends the program when a call failed: a workload that did not do its work must not look like one that did. */
static inline long must(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(result == -1 && errno ? errno : (int)-result));
		exit(70);
	}
	return result;
}

static inline void *aligned(size_t size)
{
	void *memory;

	if (posix_memalign(&memory, 4096, size) != 0)
		exit(70);
	memset(memory, 0x5a, size);
	return memory;
}

static inline void print_list(const char *name, const uint64_t *values, int count)
{
	printf("\"%s\":[", name);
	for (int i = 0; i < count; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)values[i]);
	printf("]");
}
