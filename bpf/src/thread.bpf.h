// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What is known about a thread while it is inside a system call that is watched: which one it is, and how long it was off
 * the CPU. A thread's place is kept from call to call, because to insert and to delete costs more than the rest.
 */
#ifndef RINGLIGHT_THREAD_BPF_H
#define RINGLIGHT_THREAD_BPF_H

#include "arch.h"
#include "capture.bpf.h"
#include "stack.bpf.h"

/* Calls of enum call that are told, a bit each; set by the loader. */
const volatile __u32 told_calls __weak = 0;

/* thread.inside: 0 outside, an enum call plus 1, or one of these, which are not told. */
enum { INSIDE_IO_SETUP = CALL_COUNT + 1, INSIDE_IO_DESTROY, INSIDE_URING_SETUP };

struct thread {
	__u64 start;		/* of the call */
	__u64 off;		/* since when it sleeps in the call, 0: it does not */
	__u64 asleep, blocked;	/* ns of the call so far */
	__u64 context, pointer;	/* arguments that are looked at when the call returns */
	__s64 offset;
	__u32 inside;
	__u32 length;
	__s32 fd;
	__u32 ring;
	__u32 tail;		/* io_submit: of the context's event ring when the call began */
	__u32 uninterruptible;	/* the sleep under way */
	__u32 stack;		/* of the call: its place plus 1, 0 not told */
	__u32 queue;		/* of POSIX AIO, whose request the call may serve, else 0 */
	/* the aio context it used last, good while no context was destroyed since */
	__u64 last_context;
	__u32 last_ring, last_destroyed;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct thread);
} threads __weak SEC(".maps");

/* The current thread's place, if it has one. */
static __always_inline struct thread *known_thread(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&threads, &tid);
}

/* For second programs, see again.bpf.h: a thread that has entered its call is inside, and one that has left is not. */
static __always_inline bool is_inside(void)
{
	struct thread *thread = known_thread();

	return thread && thread->inside;
}

/* The current thread enters a call; null when its process is not traced, or nothing is free (counted). */
static __always_inline struct thread *enter_call(__u32 inside)
{
	static const struct thread fresh;
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 tid = ids;

	if (!is_tracked(ids >> 32))
		return 0;
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread) {
		bpf_map_update_elem(&threads, &tid, &fresh, BPF_NOEXIST);
		thread = bpf_map_lookup_elem(&threads, &tid);
		if (!thread) {
			add(&my_counters()->lost, 1);
			return 0;
		}
	}
	thread->off = 0;
	thread->asleep = 0;
	thread->blocked = 0;
	thread->offset = -1;
	thread->fd = -1;
	thread->ring = 0;
	thread->length = 0;
	thread->queue = 0;
	thread->stack = 0;
	thread->inside = inside;
	thread->start = bpf_ktime_get_ns();
	return thread;
}

/* The stack of the call that the current thread has entered, when it is its turn. */
static __always_inline void tell_stack_of_call(void *ctx)
{
	struct thread *thread = stack_every ? known_thread() : 0;

	if (thread && thread->inside)
		thread->stack = sampled_stack(ctx);
}

/* What a call returned, as its program sees it: restarts are the kernel's business (ERESTARTSYS and its kin). */
static __always_inline __s32 seen_result(long ret)
{
	return ret <= -512 && ret >= -516 ? -4 : ret;
}

/* The call that the thread leaves, with how long it slept before. */
static __always_inline void tell_call(struct thread *thread, long ret)
{
	__u32 call = thread->inside - 1;
	struct record *record;

	if (thread->asleep) {
		record = new_record(RECORD_SLEPT, thread->ring, 0);
		if (record) {
			record->user_data = thread->asleep;
			record->offset = thread->blocked;
			send(record);
		}
	}
	record = new_record(RECORD_CALL, thread->ring, bpf_ktime_get_ns() - thread->start);
	if (!record)
		return;
	record->op = call;
	record->user_data = (__u32)thread->fd | (__u64)thread->stack << 32;
	record->offset = thread->offset;
	record->length = thread->length;
	record->value = seen_result(ret);
	send(record);
}

/* libaio.bpf.c, also for the programs that see every call; 0 */
int aio_enter(__u64 nr, __u64 first, __u64 second, __u64 third, __u64 fourth);
int aio_leave(__u64 nr, __u64 ret);

#endif
