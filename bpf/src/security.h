// SPDX-License-Identifier: MIT
/* Whether the kernel takes programs of a security module. */
#ifndef RINGLIGHT_SECURITY_H
#define RINGLIGHT_SECURITY_H

#include <bpf/btf.h>

/*
 * Why no program can be loaded for the hook of that name, else NULL. It is tried with one that does nothing, because neither
 * the list of modules nor the hook's being there tells whether the kernel takes one.
 */
const char *security_why_not(const struct btf *btf, const char *name);

#endif
