// SPDX-License-Identifier: MIT
/* Which system calls are watched for what is captured. */
#ifndef RINGLIGHT_CALLS_H
#define RINGLIGHT_CALLS_H

#include "programs.h"

/* Those that are told as calls, a bit for each of enum call. */
uint32_t told_calls(const struct programs_request *request);
/* Numbers of those that are looked at, a bit each. */
void watched_calls(const struct programs_request *request, bool refusals, uint64_t bits[WATCHED_CALLS / 64]);

#endif
