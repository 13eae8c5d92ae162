// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* How much a vectored operation is about. */
#ifndef RINGLIGHT_VECTOR_BPF_H
#define RINGLIGHT_VECTOR_BPF_H

#include "capture.bpf.h"

/* The vectors' bytes in all, when there are few and they can be read; else 0, unknown. */
static __always_inline __u32 vector_bytes(const void *vectors, __u32 count)
{
	struct { __u64 base, length; } vector;
	__u64 sum = 0;

	if (count > 8)
		return 0;
	for (__u32 i = 0; i < 8; i++) {
		if (i >= count)
			break;
		if (bpf_probe_read_user(&vector, sizeof(vector), vectors + i * sizeof(vector)))
			return 0;
		sum += vector.length;
	}
	return sum > 0xffffffff ? 0xffffffff : sum;
}

#endif
