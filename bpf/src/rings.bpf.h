// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which rings are traced, and by which number. Shared by the programs of new and of old kernels. */
#ifndef RINGLIGHT_RINGS_BPF_H
#define RINGLIGHT_RINGS_BPF_H

#include "capture.bpf.h"

/* Operations by ring; only counted when the whole machine is traced. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* or 65536 */
	__type(key, __u32);
	__type(value, struct ring_count);
} ring_counts __weak SEC(".maps");

/* Rings that were set up since the beginning, so that one at the address of another is not taken for it. */
__u64 rings_made __weak = 0;

/* What each CPU saw last. Each is one word, so that an interrupt that nests can not leave half of it. */
struct seen seen[MAX_CPUS] __weak = {};

static __always_inline struct seen *my_seen(void)
{
	return &seen[this_cpu()];
}

/*
 * An address as a number: the verifier lets nobody calculate with what it knows to be a kernel pointer, but what is
 * read back from memory is a number. An interrupt may have written there in between, which the comparison shows.
 */
static __always_inline __u64 number(struct seen *mine, const void *pointer)
{
	volatile __u64 *scratch = &mine->scratch;
	__u64 value;

	*scratch = (__u64)pointer;
	value = *scratch;
	__u64 same = value;
	/* or the compiler goes on with the pointer, which has the same value */
	barrier_var(same);
	if (same != (__u64)pointer)
		bpf_probe_read_kernel(&value, sizeof(value), &pointer);
	return value;
}

/* A word for a context that is not traced when `tgid` submits to it; with 0, when it completes. */
static __always_inline __u64 mark(__u64 ctx, __u32 tgid)
{
	return ctx ^ ((__u64)tgid * 0x9e3779b97f4a7c15ULL + strangers);
}

/* Number of a traced ring, else 0. */
static __always_inline __u32 find_ring(struct seen *mine, __u64 ctx)
{
	__u64 last = *(volatile __u64 *)&mine->ring;

	if (ended)
		return 0;
	if (last >> 16 == (ctx & KEY_MASK))
		return last & 0xffff;
	/* before the look-up: a ring that becomes known meanwhile changes it */
	__u64 stranger = mark(ctx, 0);
	if (*(volatile __u64 *)&mine->stranger_done == stranger)
		return 0;
	__u32 *ring = bpf_map_lookup_elem(&rings, &ctx);
	if (!ring) {
		*(volatile __u64 *)&mine->stranger_done = stranger;
		return 0;
	}
	*(volatile __u64 *)&mine->ring = ctx << 16 | *ring;
	return *ring;
}

/* A context that is made at the address of one that is gone, and nobody traces it. */
static __always_inline void forget_ring(__u64 ctx)
{
	__u32 *known = bpf_map_lookup_elem(&rings, &ctx);

	if (!known)
		return;
	for (int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (seen[cpu].ring >> 16 == (ctx & KEY_MASK))
			seen[cpu].ring = 0;
	give_back(*known);
	bpf_map_delete_elem(&rings, &ctx);
}

/* Starts to trace a ring; 0 when it can not be numbered. One at the address of one that is gone gets its number. */
static __always_inline __u32 new_ring(__u64 ctx, int fd, __u32 pid, __u32 sq, __u32 cq, __u32 flags, bool existed)
{
	__u32 *known = bpf_map_lookup_elem(&rings, &ctx);
	__u32 ring = known ? *known : next_ring();

	if (!ring)
		return 0;
	if (!known) {
		/* another CPU may have met it at the same moment */
		if (bpf_map_update_elem(&rings, &ctx, &ring, BPF_NOEXIST)) {
			give_back(ring);
			known = bpf_map_lookup_elem(&rings, &ctx);
			if (!known)
				add(&my_counters()->lost_notices, 1);
			return known ? *known : 0;
		}
		/* who took it for a stranger's so far */
		strangers++;
	}
	struct notice *notice = new_notice(NOTICE_RING);
	if (notice) {
		notice->key = ctx;
		notice->pid = pid;
		notice->fd = fd;
		notice->ring = ring;
		notice->api = API_IO_URING;
		notice->sq = sq;
		notice->cq = cq;
		notice->flags = flags;
		notice->existed = existed;
		bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	}
	return ring;
}

static __always_inline __u32 existing_ring(__u64 address, int fd, __u32 pid)
{
	struct io_ring_ctx *ctx = (void *)address;

	return new_ring(address, fd, pid, BPF_CORE_READ(ctx, rings, sq_ring_entries),
			BPF_CORE_READ(ctx, rings, cq_ring_entries), BPF_CORE_READ(ctx, flags), true);
}

/* Number of the ring that the current process submits to, if it or the process is traced, else 0. */
static __always_inline __u32 ring_of_submission(struct seen *mine, __u64 ctx)
{
	__u64 last = *(volatile __u64 *)&mine->ring;

	if (last >> 16 == (ctx & KEY_MASK) && !ended)
		return last & 0xffff;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 stranger = mark(ctx, tgid);
	if (*(volatile __u64 *)&mine->stranger == stranger)
		return 0;
	__u32 ring = find_ring(mine, ctx);
	if (ring)
		return ring;
	if (is_tracked(tgid))
		return existing_ring(ctx, -1, tgid);
	*(volatile __u64 *)&mine->stranger = stranger;
	return 0;
}

/* A ring's operations in all, for the table of who uses what. */
static __always_inline void count_ring(__u32 ring, __u64 submitted, __u64 completed)
{
	struct ring_count *count = trace_all ? bpf_map_lookup_elem(&ring_counts, &ring) : 0;

	if (!count)
		return;
	if (submitted)
		add(&count->submitted, submitted);
	if (completed)
		add(&count->completed, completed);
}

#endif
