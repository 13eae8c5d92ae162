// SPDX-License-Identifier: MIT
#include "watch.h"

#define MS 1000000ULL
#define LOOK_EVERY (100 * MS)
#define HISTOGRAMS_EVERY (500 * MS)
#define CENSUS_EVERY (2000 * MS)

static void set_pace(struct watch *watch, uint64_t now)
{
	uint32_t every = pace_every(&watch->pace);
	struct instant instant = { .kind = INSTANT_MODE, .time = now, .value = every };

	programs_set_every(watch->programs, every);
	tally_every(watch->tally, every, now);
	stream_instant(watch->stream, &instant);
}

void watch_start(struct watch *watch, const struct options *options, struct programs *programs, struct pairing *pairing,
		 struct tally *tally, struct stream *stream)
{
	*watch = (struct watch){ .options = options, .programs = programs, .pairing = pairing, .tally = tally, .stream = stream };
	pace_start(&watch->pace, options->telling, options->sample);
	if (pace_every(&watch->pace) != 1)
		set_pace(watch, stream->base);
}

static void report_histograms(struct watch *watch, uint64_t now)
{
	struct aggregates aggregates = programs_aggregates(watch->programs);

	tally_report(watch->tally, &aggregates, watch->stream, now);
	watch->next_histograms = now + HISTOGRAMS_EVERY;
}

static void report_pending(struct watch *watch, uint64_t now)
{
	struct aggregates aggregates = programs_aggregates(watch->programs);

	pairing_pending(watch->pairing, now, watch->options->pending);
	if (pace_every(&watch->pace) != 1)
		pairing_pending_untold(watch->pairing, aggregates.flights, now, watch->options->pending);
}

void watch_tick(struct watch *watch, const struct lanes *lanes, double buffered, uint64_t now)
{
	double lane = lanes_fill(lanes);

	if (pace_adapt(&watch->pace, now, lane > buffered ? lane : buffered, stream_fill(watch->stream))) {
		report_histograms(watch, now);
		set_pace(watch, now);
	}
	if (now >= watch->next_histograms)
		report_histograms(watch, now);
	if (now >= watch->next_look) {
		if (watch->options->pending > 0)
			report_pending(watch, now);
		threads_look(&watch->threads, watch->pairing, watch->stream, now);
		departures_settle(&watch->departures, watch->programs, watch->pairing, now);
		watch->next_look = now + LOOK_EVERY;
	}
	if (traces_all(watch->options) && now >= watch->next_census) {
		struct aggregates aggregates = programs_aggregates(watch->programs);
		census_report(watch->pairing, &aggregates, watch->stream, now);
		watch->next_census = now + CENSUS_EVERY;
	}
}

void watch_departure(struct watch *watch, uint32_t pid, uint64_t time)
{
	departures_add(&watch->departures, pid, time);
}

void watch_end(struct watch *watch, uint64_t now)
{
	struct aggregates aggregates = programs_aggregates(watch->programs);

	report_histograms(watch, now);
	if (traces_all(watch->options))
		census_report(watch->pairing, &aggregates, watch->stream, now);
}

void watch_free(struct watch *watch)
{
	departures_free(&watch->departures);
}
