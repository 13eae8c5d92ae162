// SPDX-License-Identifier: MIT
/* What this process may do, and giving up what it no longer needs. */
#ifndef RINGLIGHT_PRIVILEGE_H
#define RINGLIGHT_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>
#include "programs.h"

#define CAPABILITY(number) (1ULL << (number))

/* Effective capabilities of this process. */
uint64_t privilege_capabilities(void);
/* Capabilities that tracing needs here and this process lacks, joined by “and”; empty when it has them. */
const char *privilege_missing(void);
/* False with `*refusal` filled when BPF tracing is out of reach: capabilities, lockdown. */
bool privilege_allows_tracing(struct refusal *refusal);
/* First mode of /sys/kernel/security/lockdown that is active: "none", "integrity", "confidentiality", or "unknown". */
const char *privilege_lockdown(void);
/* Keeps what reading /proc of other users and our own maps needs. */
void privilege_drop(void);

#endif
