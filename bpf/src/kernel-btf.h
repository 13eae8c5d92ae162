// SPDX-License-Identifier: MIT
/* What the running kernel says of its own types. */
#ifndef RINGLIGHT_KERNEL_BTF_H
#define RINGLIGHT_KERNEL_BTF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include "hooks.h"

/* Whether the kernel has the variant's tracepoint with the arguments it expects; `*exists` tells of the former. */
bool kernel_has(const struct btf *btf, const struct variant *variant, bool *exists);
/* The value of an enumerator, also of an enum without a name; `otherwise` if there is none. */
int64_t kernel_enumerator(const struct btf *btf, const char *name, int64_t otherwise);

#endif
