// SPDX-License-Identifier: MIT
/*
 * What is counted while not every operation has a span: the kernel programs' histograms of io_uring, and those of the other
 * APIs, whose operations all come here.
 */
#ifndef RINGLIGHT_TALLY_H
#define RINGLIGHT_TALLY_H

#include <stdbool.h>
#include "frame.h"
#include "programs.h"

struct tally;

/* `kernel_counts`: the kernel programs count io_uring's operations, and tell the sample alone. */
struct tally *tally_new(bool kernel_counts);
void tally_free(struct tally *tally);
/* Of the operations that end at `from` or later one in `every` is told, 1 is each and 0 none. */
void tally_every(struct tally *tally, uint32_t every, uint64_t from);
/* Counts a span, unless the kernel programs do or every span is sent; whether it is not to be sent. */
bool tally_takes(struct tally *tally, const struct span *span);
/* Whether the span that was not taken is one of a sample. */
bool tally_samples(const struct tally *tally, const struct span *span);
/* Likewise for a system call that is an operation of its own: epoll's and sync's. */
bool tally_takes_call(struct tally *tally, const struct call_span *call);
/* Sends what was counted since the last time, if anything was. */
void tally_report(struct tally *tally, const struct aggregates *aggregates, struct stream *stream, uint64_t now);

#endif
