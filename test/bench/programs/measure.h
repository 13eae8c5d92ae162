// SPDX-License-Identifier: MIT
/* What the workloads have in common: the measured stretch, and places to read from. */
#include "../../programs/support.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define BLOCK 4096

struct stretch {
	uint64_t began, cpu_began;
};

/* Of the whole process, the kernel's workers for it included. */
static inline uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline struct stretch begin(void)
{
	/* a workload without a bench is a leftover */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	struct stretch stretch = { .cpu_began = cpu_ns(), .began = now_ns() };
	return stretch;
}

/* Says the result and stays until the bench has looked at what it left: a tracer ends with its target. */
static inline int finish(void)
{
	char byte;

	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static inline void print_costs(struct stretch stretch, uint64_t ops)
{
	uint64_t ns = now_ns() - stretch.began;

	printf("{\"ops\":%llu,\"ns\":%llu,\"cpuNs\":%llu}\n", (unsigned long long)ops, (unsigned long long)ns,
	       (unsigned long long)(cpu_ns() - stretch.cpu_began));
}

/* xorshift: offsets that no read-ahead guesses, the same in every run. */
static inline uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

struct file {
	int fd;
	uint64_t blocks;
};

static inline struct file open_file(const char *path, int flags)
{
	struct stat status;
	struct file file = { .fd = must(open(path, O_RDONLY | flags), path) };

	must(fstat(file.fd, &status), "fstat");
	file.blocks = status.st_size / BLOCK;
	if (file.blocks == 0)
		exit(65);
	return file;
}

static inline uint64_t random_offset(struct file file)
{
	return next_random() % file.blocks * BLOCK;
}

static inline void must_be_block(long result)
{
	if (must(result, "read") != BLOCK) {
		fprintf(stderr, "a read returned %ld bytes\n", result);
		exit(70);
	}
}
