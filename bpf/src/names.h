// SPDX-License-Identifier: MIT
/* Names for the numbers that spans carry: each is sent once, before the first span that uses it. */
#ifndef RINGLIGHT_NAMES_H
#define RINGLIGHT_NAMES_H

#include "frame.h"
#include "record.h"

struct names;

struct names *names_new(struct stream *stream);
void names_free(struct names *names);

void names_ring(struct names *names, const struct notice *notice);
/* A process is another program now: its name and its files are asked for again. */
void names_exec(struct names *names, const struct notice *notice);
void names_exit(struct names *names, const struct notice *notice);
/* An API that was asked for and not given. */
void names_refused(struct names *names, const struct notice *notice);
/* Called for every submission, soon after it: a short-lived process or descriptor is still there then. */
void names_descriptor(struct names *names, uint32_t pid, int32_t fd, bool direct, uint64_t now);
/* What the kernel programs say about a descriptor; right even where the process is gone already. */
void names_file(struct names *names, const struct file_notice *notice, uint32_t pid, int32_t fd);
/* Called before a span is sent. */
void names_task(struct names *names, uint32_t pid, uint32_t tid, uint64_t now);

#endif
