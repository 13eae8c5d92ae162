// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What all kernel programs share: settings, maps, who is traced, and how a record is written. */
#ifndef RINGLIGHT_CAPTURE_BPF_H
#define RINGLIGHT_CAPTURE_BPF_H

#include "kernel-types.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "lane.h"
#include "record.h"

/* Set by the loader before the programs are loaded. */
const volatile bool trace_all __weak = false;
/* With any of these filters set, a process that passes them all is traced from when it is first seen. */
const volatile bool filtered __weak = false;
const volatile bool filter_comm __weak = false, filter_user __weak = false, filter_cgroup __weak = false;
const volatile char comm_wanted[16] __weak = "";
const volatile __u32 user_wanted __weak = 0;
const volatile __u64 cgroup_wanted __weak = 0;
const volatile int cgroup_level __weak = 0;
/* An entry that overflows the completion queue is not told as completed as well. */
const volatile bool overflow_completes __weak = true;

struct counters counters[MAX_CPUS] __weak = {};
/* Grows whenever something may be traced that was not before, so that nobody goes on taking it for a stranger. */
__u64 strangers __weak = 0;
/* Set by the loader when the recording ends: detaching takes the kernel a while. */
volatile bool ended __weak = false;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} records __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} notices __weak SEC(".maps");

/* process ids that are traced */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u8);
} tracked __weak SEC(".maps");

/* Numbers for rings that nobody has: the loader fills it, and gives back those of processes that are gone. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 65536);
	__type(value, __u32);
} free_rings __weak SEC(".maps");

/* io_ring_ctx address to our number for it: only traced rings are in here */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} rings __weak SEC(".maps");

#define CQE_MORE (1U << 1)

static __always_inline __u32 this_cpu(void)
{
	return bpf_get_smp_processor_id() & (MAX_CPUS - 1);
}

static __always_inline struct counters *my_counters(void)
{
	return &counters[this_cpu()];
}

static __always_inline void add(__u64 *counter, __u64 n)
{
	__sync_fetch_and_add(counter, n);
}

/* From now on the process is traced, if there is a place for it; else that is counted. */
static __always_inline void track(__u32 tgid)
{
	__u8 yes = 1;

	if (bpf_map_update_elem(&tracked, &tgid, &yes, BPF_ANY))
		add(&my_counters()->lost_notices, 1);
	strangers++;
}

/* Whether the current process passes the filters. Not inline: it would be everywhere, for few. */
__weak __noinline int passes_filters(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	char comm[16];

	if (filter_user && (__u32)bpf_get_current_uid_gid() != user_wanted)
		return 0;
	if (filter_cgroup && bpf_get_current_ancestor_cgroup_id(cgroup_level) != cgroup_wanted)
		return 0;
	if (!filter_comm)
		return 1;
	/* the process' name is its first thread's */
	BPF_CORE_READ_INTO(&comm, task, group_leader, comm);
	for (int i = 0; i < 16; i++) {
		if (comm[i] != comm_wanted[i])
			return 0;
		if (!comm[i])
			break;
	}
	return 1;
}

static __always_inline bool is_tracked(__u32 tgid)
{
	if (ended)
		return false;
	if (trace_all || bpf_map_lookup_elem(&tracked, &tgid))
		return true;
	if (!filtered || tgid != bpf_get_current_pid_tgid() >> 32 || !passes_filters())
		return false;
	track(tgid);
	return true;
}

/* A number for a ring, 1 to 65535; 0 when they are used up (counted). */
static __always_inline __u32 next_ring(void)
{
	__u32 id;

	if (bpf_map_pop_elem(&free_rings, &id) == 0)
		return id;
	add(&my_counters()->lost_notices, 1);
	return 0;
}

static __always_inline void give_back(__u32 ring)
{
	bpf_map_push_elem(&free_rings, &ring, 0);
}

/* A record of the current thread, or null when the buffer is full (counted). To be given to send(). */
static __always_inline struct record *new_record(enum record_type type, __u32 ring, __u64 key)
{
	__u64 now = bpf_ktime_get_ns();
	struct record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record) {
		add(&my_counters()->lost, 1);
		return 0;
	}
	/* the verifier does no arithmetic with kernel pointers, but what is read back from here is a number */
	volatile __u64 *words = (__u64 *)record;
	__u64 ids = bpf_get_current_pid_tgid();
	words[1] = key;
	words[0] = (now & 0xffffffffffffffULL) | (__u64)type << 56;
	words[1] = (words[1] & 0xffffffffffffULL) | (__u64)ring << 48;
	words[2] = 0;
	words[3] = 0;
	words[4] = (ids >> 32 & 0x3fffff) | (ids & 0x3fffff) << 22;
	words[5] = 0;
	return record;
}

/* Never wakes the reader: it comes by itself every few milliseconds, and wake-ups would cost most of all. */
static __always_inline void send(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline struct notice *new_notice(enum notice_kind kind)
{
	struct notice *notice = bpf_ringbuf_reserve(&notices, sizeof(*notice), 0);

	if (!notice) {
		add(&my_counters()->lost_notices, 1);
		return 0;
	}
	__builtin_memset(notice, 0, sizeof(*notice));
	__u64 ids = bpf_get_current_pid_tgid();
	notice->time = bpf_ktime_get_ns();
	notice->kind = kind;
	notice->pid = ids >> 32;
	notice->tid = (__u32)ids;
	notice->fd = -1;
	bpf_get_current_comm(notice->comm, sizeof(notice->comm));
	return notice;
}

#endif
