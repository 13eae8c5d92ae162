// SPDX-License-Identifier: MIT
/* many-processes COUNT: so many children, which share our memory and all stay until the last one is there. */
#include "support.h"
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define STACK 4096

static int wait_for_end(void *end)
{
	char byte;

	return read(*(int *)end, &byte, 1);
}

int main(int argc, char **argv)
{
	int ends[2];

	if (argc != 2)
		return 64;
	int count = atoi(argv[1]);
	char *stacks = mmap(NULL, (size_t)count * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stacks == MAP_FAILED)
		return 70;
	must(pipe(ends), "pipe");
	for (int i = 0; i < count; i++)
		must(clone(wait_for_end, stacks + (size_t)(i + 1) * STACK, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, &ends[0]), "clone");
	printf("{\"pid\":%d,\"children\":%d}\n", getpid(), count);
	fflush(stdout);
	/* they share our descriptors: this ends all of them */
	for (int i = 0; i < count; i++)
		must(write(ends[1], "x", 1), "write");
	while (wait(NULL) > 0)
		;
	return 0;
}
