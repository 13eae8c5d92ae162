// SPDX-License-Identifier: MIT
/* Who uses which API on this machine, and the end of those who do. */
#ifndef RINGLIGHT_CENSUS_H
#define RINGLIGHT_CENSUS_H

#include "pair.h"
#include "table.h"

/* Sends the table of the processes that have rings, most active first. */
void census_report(const struct pairing *pairing, const struct aggregates *aggregates, struct stream *stream, uint64_t now);

/* Processes that are gone: the numbers of their rings are given back when their last completions are surely over. */
struct departures {
	struct departure { uint32_t pid; uint64_t time; } *list;
	size_t count, capacity;
};
void departures_add(struct departures *departures, uint32_t pid, uint64_t time);
void departures_settle(struct departures *departures, struct programs *programs, struct pairing *pairing, uint64_t now);
void departures_free(struct departures *departures);

#endif
