// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Writing into the lanes. For programs of kernels since 5.18: older ones lack the atomics. */
#ifndef RINGLIGHT_LANE_BPF_H
#define RINGLIGHT_LANE_BPF_H

#include "capture.bpf.h"
#include "lane.h"

/* Records a lane has room for: a power of two. Set by the loader. */
const volatile __u32 lane_records = 1024;

struct lane lanes[MAX_CPUS] = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);	/* lane_records for each CPU */
	__type(key, __u32);
	__type(value, struct record);
} lane_places SEC(".maps");

/*
 * A place for a record, or null when the lane is full (counted). To be filled with tell() at once: the reader waits
 * for it.
 */
static __always_inline struct record *lane_place(__u32 cpu, enum record_type type)
{
	struct lane *lane = &lanes[cpu];

	if (lane->head - *(volatile __u64 *)&lane->tail >= lane_records - LANE_MARGIN) {
		add(type == RECORD_SUBMIT || type == RECORD_REJECT || type == RECORD_SUBMIT_AGAIN ? &lane->lost_submissions :
		    type == RECORD_COMPLETE || type == RECORD_COMPLETE_AGAIN ? &lane->lost_completions : &lane->lost_others, 1);
		return 0;
	}
	__u64 at = __sync_fetch_and_add(&lane->head, 1);
	__u32 index = cpu * lane_records + ((__u32)at & (lane_records - 1));
	return bpf_map_lookup_elem(&lane_places, &index);
}

/* What a record holds besides its type, time and ring. */
struct told {
	__u64 ids;		/* as bpf_get_current_pid_tgid() gives them; 0 where nobody asks */
	__u64 user_data;
	__s64 offset;
	__u32 op, flags, length;
	__s32 value;
};

/* Writes a record about the request at `key`, a kernel pointer or a number. */
static __always_inline void tell(struct record *place, enum record_type type, __u64 now, __u32 ring, __u64 key,
				 const struct told *told)
{
	volatile __u64 *words = (__u64 *)place;
	__u64 ids = told->ids;

	/* read back because the verifier does no arithmetic with kernel pointers */
	words[1] = key;
	words[1] = (words[1] & KEY_MASK) | (__u64)ring << 48;
	words[2] = told->user_data;
	words[3] = told->offset;
	words[4] = (ids >> 32 & 0x3fffff) | (ids & 0x3fffff) << 22 | (__u64)told->op << 44 | (__u64)told->flags << 52;
	words[5] = told->length | (__u64)(__u32)told->value << 32;
	words[0] = (now & 0xffffffffffffffULL) | (__u64)type << 56;
}

#endif
