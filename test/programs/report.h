/* What a workload says at its end: how often it issued each operation, and what latencies it measured itself. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_LATENCIES = 256 };
static int64_t report_latencies[MAX_LATENCIES];
static int report_latency_count;

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void report_latency(int64_t since)
{
	if (report_latency_count < MAX_LATENCIES)
		report_latencies[report_latency_count++] = now_ns() - since;
}

struct report_count {
	const char *op;
	long count;
};

/* `timed` names the operation whose latencies were measured, in order. Ends with an entry whose op is NULL. */
static inline void report(const struct report_count *counts, const char *timed)
{
	printf("{\"counts\":{");
	for (int i = 0; counts[i].op; i++)
		printf("%s\"%s\":%ld", i ? "," : "", counts[i].op, counts[i].count);
	printf("},\"timed\":\"%s\",\"latencies\":[", timed);
	for (int i = 0; i < report_latency_count; i++)
		printf("%s%lld", i ? "," : "", (long long)report_latencies[i]);
	printf("]}\n");
}

static inline void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "workload: %s failed\n", what);
	exit(9);
}

#endif
