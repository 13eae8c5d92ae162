// SPDX-License-Identifier: MIT
#include "tally.h"
#include "json.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

struct tally {
	uint32_t every, count;
	uint32_t before;	/* `every`, of what ended before `changed` and comes only now */
	uint64_t changed;
	uint64_t from;
	bool kernel_counts;
	/* what the kernel programs count: as they had when it was last told; the others: counted since */
	struct histogram ops[API_COUNT][OPS];
};

struct tally *tally_new(bool kernel_counts)
{
	struct tally *tally = resized(NULL, 1, sizeof(*tally));

	memset(tally, 0, sizeof(*tally));
	tally->every = tally->before = 1;
	tally->kernel_counts = kernel_counts;
	return tally;
}

static bool is_counted_by_kernel(const struct tally *tally, enum api api)
{
	return api == API_IO_URING && tally->kernel_counts;
}

void tally_free(struct tally *tally)
{
	free(tally);
}

void tally_every(struct tally *tally, uint32_t every, uint64_t from)
{
	tally->before = tally->every;
	tally->changed = from;
	tally->every = every;
	tally->count = 0;
}

static void count(struct histogram *histogram, uint64_t latency, int64_t result, bool failed, bool punted)
{
	histogram->count++;
	histogram->errors += failed;
	histogram->bytes += result > 0 ? (uint64_t)result : 0;
	histogram->punted += punted;
	histogram->steps[step_of(latency)]++;
	if (latency > histogram->max)
		histogram->max = latency;
}

static bool is_next_of_sample(struct tally *tally, uint32_t every)
{
	if (!every || ++tally->count < every)
		return false;
	tally->count = 0;
	return true;
}

bool tally_takes(struct tally *tally, const struct span *span)
{
	if (tally->every == 1 || is_counted_by_kernel(tally, span->api) || span->flags & SPAN_UNFINISHED)
		return false;
	count(&tally->ops[span->api][span->op & (OPS - 1)], span->end > span->start ? span->end - span->start : 0, span->result,
	      span->api == API_IO_URING ? is_failure(span->op, span->result) : span->result < 0,
	      span->flags & SPAN_PUNTED);
	return !is_next_of_sample(tally, tally->every);
}

bool tally_samples(const struct tally *tally, const struct span *span)
{
	return tally->every != 1 && !is_counted_by_kernel(tally, span->api) && !(span->flags & SPAN_UNFINISHED);
}

bool tally_takes_call(struct tally *tally, const struct call_span *call)
{
	/* a call has no flag that it is one of a sample: its reader goes by its end */
	uint32_t every = call->end < tally->changed ? tally->before : tally->every;

	if (every == 1 || (call->api != API_EPOLL && call->api != API_SYNC))
		return false;
	count(&tally->ops[call->api][call->call & (OPS - 1)], call->end > call->start ? call->end - call->start : 0, call->result,
	      call->result < 0, false);
	return !is_next_of_sample(tally, every);
}

/* What was counted of an opcode since it was last told, over all CPUs. */
static struct histogram news_of(struct histogram *told, const struct aggregates *aggregates, uint32_t op)
{
	struct histogram sum = { 0 }, news = { 0 };

	for (uint32_t cpu = 0; cpu < aggregates->cpus; cpu++) {
		struct histogram *one = &aggregates->histograms[cpu * OPS + op];
		if (!one->count)
			continue;
		sum.count += one->count;
		sum.errors += one->errors;
		sum.punted += one->punted;
		sum.bytes += one->bytes;
		for (uint32_t step = 0; step < STEPS; step++)
			sum.steps[step] += one->steps[step];
		/* the greatest of this while only; that a program writes a smaller one at the same moment is no harm */
		if (one->max > news.max)
			news.max = one->max;
		one->max = 0;
	}
	news.count = sum.count - told->count;
	news.errors = sum.errors - told->errors;
	news.punted = sum.punted - told->punted;
	news.bytes = sum.bytes - told->bytes;
	for (uint32_t step = 0; step < STEPS; step++)
		news.steps[step] = sum.steps[step] - told->steps[step];
	*told = sum;
	return news;
}

static void write_histogram(struct json *json, enum api api, uint32_t op, const struct histogram *histogram)
{
	json_open(json, '{');
	json_text_member(json, "api", API_TEXT[api]);
	json_uint_member(json, "op", op);
	json_uint_member(json, "count", histogram->count);
	json_uint_member(json, "errors", histogram->errors);
	json_uint_member(json, "punted", histogram->punted);
	json_uint_member(json, "bytes", histogram->bytes);
	json_uint_member(json, "max_ns", histogram->max);
	json_key(json, "steps");
	json_open(json, '[');
	for (uint32_t step = 0; step < STEPS; step++) {
		if (!histogram->steps[step])
			continue;
		json_open(json, '[');
		json_int(json, step);
		json_int(json, histogram->steps[step]);
		json_close(json, ']');
	}
	json_close(json, ']');
	json_close(json, '}');
}

void tally_report(struct tally *tally, const struct aggregates *aggregates, struct stream *stream, uint64_t now)
{
	struct json json = { 0 };
	bool any = false;
	uint64_t since = now > stream->base ? now - stream->base : 0;

	json_open(&json, '{');
	json_uint_member(&json, "from", tally->from);
	json_uint_member(&json, "t", since);
	json_key(&json, "ops");
	json_open(&json, '[');
	for (int api = 0; api < API_COUNT; api++) {
		bool by_kernel = is_counted_by_kernel(tally, api);
		for (uint32_t op = 0; op < OPS; op++) {
			struct histogram *own = &tally->ops[api][op];
			struct histogram news = by_kernel ? news_of(own, aggregates, op) : *own;
			if (!news.count)
				continue;
			write_histogram(&json, api, op, &news);
			any = true;
			if (!by_kernel)
				*own = (struct histogram){ 0 };
		}
	}
	json_close(&json, ']');
	json_close(&json, '}');
	tally->from = since;
	if (any)
		stream_json(stream, FRAME_HISTOGRAMS, &json.text);
	buffer_free(&json.text);
}
