// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Where in its program a thread submits. The loader reads the addresses from the map; those of the kernel are not in it. */
#ifndef RINGLIGHT_STACK_BPF_H
#define RINGLIGHT_STACK_BPF_H

#include "capture.bpf.h"

/* One submission in so many has its stack told; 0: none. Set by the loader. */
const volatile __u32 stack_every __weak = 0;
__u32 stack_turns[MAX_CPUS] __weak = {};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1);		/* or more, when stacks are told */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, STACK_DEPTH * sizeof(__u64));
} stacks __weak SEC(".maps");

/* Place of the current stack in the map plus 1; 0 when it is not its turn, there is none, or no place is free. */
static __always_inline __u32 sampled_stack(void *ctx)
{
	if (!stack_every || stack_turns[this_cpu()]++ % stack_every)
		return 0;
	long place = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	return place < 0 ? 0 : place + 1;
}

/* Says that the submission with this key, which is told next, has that stack. */
static __always_inline void tell_stack(__u32 stack, __u32 ring, __u64 key)
{
	struct record *record = stack ? new_record(RECORD_STACK, ring, key) : 0;

	if (!record)
		return;
	record->user_data = stack;
	send(record);
}

#endif
