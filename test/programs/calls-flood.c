// SPDX-License-Identifier: MIT
/* calls-flood READS THREADS: so many reads by each of so many threads, which all stay until the last one has read. */
#include "support.h"
#include <pthread.h>

static pthread_barrier_t all;
static long reads;
static int fd;

static void *read_zeros(void *nothing)
{
	char byte;

	for (long i = 0; i < reads; i++)
		must(pread(fd, &byte, 1, 0), "pread");
	pthread_barrier_wait(&all);
	return nothing;
}

int main(int argc, char **argv)
{
	pthread_attr_t small;
	pthread_t thread;

	if (argc != 3)
		return 64;
	reads = atol(argv[1]);
	int threads = atoi(argv[2]);
	fd = must(open("/dev/zero", O_RDONLY), "/dev/zero");
	pthread_barrier_init(&all, NULL, threads + 1);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (int i = 0; i < threads; i++)
		must(-pthread_create(&thread, &small, read_zeros, NULL), "pthread_create");
	pthread_barrier_wait(&all);
	printf("{\"pid\":%d,\"reads\":%ld}\n", getpid(), reads * threads);
	fflush(stdout);
	_exit(0);
}
