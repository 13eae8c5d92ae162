// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * System calls as spans of their threads, with the time that the thread slept in them. What libaio's calls submit and
 * reap is libaio.bpf.c's business.
 */
#include "again.bpf.h"
#include "arch.h"
#include "capture.bpf.h"
#include "file.bpf.h"
#include "posix-aio.bpf.h"
#include "refused.bpf.h"
#include "thread.bpf.h"
#include "vector.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TASK_UNINTERRUPTIBLE 2
#define IORING_ENTER_REGISTERED_RING (1 << 4)
#define REGISTERED_RINGS 16

/* The number in enum call, or -1. */
static __always_inline int call_of(long nr)
{
	switch (nr) {
	case __NR_io_uring_enter: return CALL_IO_URING_ENTER;
#ifdef __NR_epoll_wait
	case __NR_epoll_wait: return CALL_EPOLL_WAIT;
#endif
	case __NR_epoll_pwait: return CALL_EPOLL_PWAIT;
	case __NR_epoll_pwait2: return CALL_EPOLL_PWAIT2;
	case __NR_read: return CALL_READ;
	case __NR_write: return CALL_WRITE;
	case __NR_pread64: return CALL_PREAD64;
	case __NR_pwrite64: return CALL_PWRITE64;
	case __NR_readv: return CALL_READV;
	case __NR_writev: return CALL_WRITEV;
	case __NR_preadv: return CALL_PREADV;
	case __NR_pwritev: return CALL_PWRITEV;
	case __NR_preadv2: return CALL_PREADV2;
	case __NR_pwritev2: return CALL_PWRITEV2;
	case __NR_fsync: return CALL_FSYNC;
	case __NR_fdatasync: return CALL_FDATASYNC;
	default: return -1;
	}
}

#define CALL_BIT(call) (1u << (call))
#define VECTORED (CALL_BIT(CALL_READV) | CALL_BIT(CALL_WRITEV) | CALL_BIT(CALL_PREADV) | CALL_BIT(CALL_PWRITEV) | \
		  CALL_BIT(CALL_PREADV2) | CALL_BIT(CALL_PWRITEV2))
#define POSITIONED (CALL_BIT(CALL_PREAD64) | CALL_BIT(CALL_PWRITE64) | CALL_BIT(CALL_PREADV) | CALL_BIT(CALL_PWRITEV) | \
		    CALL_BIT(CALL_PREADV2) | CALL_BIT(CALL_PWRITEV2))
#define EPOLL (CALL_BIT(CALL_EPOLL_WAIT) | CALL_BIT(CALL_EPOLL_PWAIT) | CALL_BIT(CALL_EPOLL_PWAIT2))
#define SYNCS (CALL_BIT(CALL_FSYNC) | CALL_BIT(CALL_FDATASYNC))

/* The ring that io_uring_enter is called for: by its descriptor, or by its place among the thread's registered ones. */
static __always_inline struct file *ring_file(struct task_struct *task, __u32 fd, __u64 flags)
{
	struct io_uring_task *context = BPF_CORE_READ(task, io_uring);
	struct file *file = 0;

	if (!(flags & IORING_ENTER_REGISTERED_RING))
		return file_of_descriptor(task, fd);
	if (!bpf_core_field_exists(context->registered_rings) || fd >= REGISTERED_RINGS)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), (void *)context +
			      bpf_core_field_offset(struct io_uring_task, registered_rings) + fd * sizeof(file));
	return file;
}

static __always_inline void enter_ring(struct thread *thread, struct task_struct *task, __u32 fd, __u64 flags)
{
	struct file *file = ring_file(task, fd, flags);
	__u64 context = file ? (__u64)BPF_CORE_READ(file, private_data) : 0;
	__u32 *ring = bpf_map_lookup_elem(&rings, &context);

	if (ring)
		thread->ring = *ring;
}

/* Calls that the threads of POSIX AIO serve requests with; read and write where there are no positions, as in a pipe. */
#define SERVING (CALL_BIT(CALL_PREAD64) | CALL_BIT(CALL_PWRITE64) | CALL_BIT(CALL_READ) | CALL_BIT(CALL_WRITE) | SYNCS)
#define WRITING (CALL_BIT(CALL_WRITE) | CALL_BIT(CALL_PWRITE64))
/* Set by the loader. */
const volatile bool trace_posix_aio = false;

/* The call of a thread that is not the process' first: perhaps one of the C library's. */
static __always_inline void may_serve(struct thread *thread, int call, __u64 buffer)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 pid = ids >> 32, tid = ids, *queue = pid == tid ? 0 : bpf_map_lookup_elem(&posix_queues, &pid);
	struct record *record = queue ? new_record(RECORD_POSIX_BEGIN, *queue, 0) : 0;

	if (!record)
		return;
	thread->queue = *queue;
	record->op = CALL_BIT(call) & SYNCS ? POSIX_SYNC : CALL_BIT(call) & WRITING ? POSIX_WRITE : POSIX_READ;
	record->user_data = CALL_BIT(call) & SYNCS ? 0 : buffer;
	record->offset = thread->offset;
	record->length = thread->length;
	record->value = thread->fd;
	send(record);
}

static __always_inline int entered(void *ctx, int call, __u64 first, __u64 second, __u64 third, __u64 fourth)
{
	struct thread *thread = enter_call(call + 1);
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 bit = CALL_BIT(call);

	if (!thread)
		return 0;
	thread->fd = first;
	if (call == CALL_IO_URING_ENTER) {
		thread->length = second;
		if (fourth & IORING_ENTER_REGISTERED_RING)
			thread->fd = -1;
		enter_ring(thread, task, first, fourth);
		thread->stack = sampled_stack(ctx);
		return 0;
	}
	thread->length = bit & VECTORED ? vector_bytes((void *)second, third) : bit & SYNCS ? 0 : third > 0xffffffff ? 0xffffffff : third;
	if (bit & POSITIONED)
		thread->offset = fourth;
	if (trace_posix_aio && bit & SERVING)
		may_serve(thread, call, second);
	if (!(told_calls & bit))
		return 0;
	add(&my_counters()->submitted[bit & EPOLL ? API_EPOLL : API_SYNC], 1);
	thread->stack = sampled_stack(ctx);
	struct file *file = file_of_descriptor(task, first);
	if (file)
		tell_file(file, 0, 0, first);
	return 0;
}

static __always_inline int left(long ret)
{
	struct thread *thread = known_thread();
	__u32 inside = thread ? thread->inside : 0;

	if (ended || inside == 0 || inside > CALL_COUNT)
		return 0;
	if (thread->queue) {
		struct record *record = new_record(RECORD_POSIX_END, thread->queue, 0);
		if (record) {
			record->value = seen_result(ret);
			send(record);
		}
	}
	if (!(told_calls & CALL_BIT(inside - 1))) {
		thread->inside = 0;
		return 0;
	}
	if (inside != CALL_IO_URING_ENTER + 1)
		add(&my_counters()->completed[CALL_BIT(inside - 1) & EPOLL ? API_EPOLL : API_SYNC], 1);
	tell_call(thread, ret);
	thread->inside = 0;
	return 0;
}

static __always_inline int left_setup(long ret)
{
	struct thread *thread = known_thread();
	bool entered = thread && thread->inside == INSIDE_URING_SETUP;

	tell_refused(REFUSED_IO_URING_SETUP, ret, entered);
	if (entered)
		thread->inside = 0;
	return 0;
}

SEC("?tracepoint")
int setup_enter(struct trace_event_raw_sys_enter *event)
{
	enter_call(INSIDE_URING_SETUP);
	return 0;
}

SEC("?tracepoint")
int setup_exit(struct trace_event_raw_sys_exit *event)
{
	return left_setup(event->ret);
}

static __always_inline int enter_one(struct trace_event_raw_sys_enter *event)
{
	int call = call_of((__u32)event->id);
	__u64 arguments[4];

	/* a call may have less arguments than are read: what is behind them is not used */
	if (call < 0 || bpf_probe_read_kernel(arguments, sizeof(arguments),
					      (void *)event + bpf_core_field_offset(struct trace_event_raw_sys_enter, args)))
		return 0;
	return entered(event, call, arguments[0], arguments[1], arguments[2], arguments[3]);
}

SEC("?tracepoint")
int call_enter(struct trace_event_raw_sys_enter *event)
{
	return IS_SKIPPED ? 0 : enter_one(event);
}

SEC("?tracepoint")
int call_exit(struct trace_event_raw_sys_exit *event)
{
	return IS_SKIPPED ? 0 : left(event->ret);
}

/* The second programs, see again.bpf.h. */
SEC("?tracepoint")
int call_enter_again(struct trace_event_raw_sys_enter *event)
{
	return is_inside() ? 0 : enter_one(event);
}

SEC("?tracepoint")
int call_exit_again(struct trace_event_raw_sys_exit *event)
{
	return is_inside() ? left(event->ret) : 0;
}

static __always_inline bool is_aio(long nr)
{
	return nr == __NR_io_setup || nr == __NR_io_destroy || nr == __NR_io_submit || nr == __NR_io_getevents ||
	       nr == __NR_io_pgetevents;
}

/* Numbers of the calls that are looked at, a bit each. Set by the loader. */
const volatile __u64 watched_calls[WATCHED_CALLS / 64] = {};

static __always_inline bool is_watched(__u64 nr)
{
	return nr < WATCHED_CALLS && watched_calls[nr / 64] >> nr % 64 & 1;
}

static __always_inline int enter_any(void *ctx, struct pt_regs *regs, long nr)
{
	int call;

	if (nr == __NR_io_uring_setup) {
		enter_call(INSIDE_URING_SETUP);
		return 0;
	}
	if (is_aio(nr)) {
		aio_enter(nr, CALL_ARGUMENT_0(regs), CALL_ARGUMENT_1(regs), CALL_ARGUMENT_2(regs), CALL_ARGUMENT_3(regs));
		if (nr == __NR_io_submit)
			tell_stack_of_call(ctx);
		return 0;
	}
	call = call_of(nr);
	if (call < 0)
		return 0;
	return entered(ctx, call, CALL_ARGUMENT_0(regs), CALL_ARGUMENT_1(regs), CALL_ARGUMENT_2(regs), CALL_ARGUMENT_3(regs));
}

static __always_inline int exit_any(long nr, long ret)
{
	return nr == __NR_io_uring_setup ? left_setup(ret) : is_aio(nr) ? aio_leave(nr, ret) : left(ret);
}

/* Every system call of the machine passes these: what is not watched has to leave at once. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(any_enter, struct pt_regs *regs, long nr)
{
	return is_watched(nr) && CALL_IS_64_BIT(regs) && !IS_SKIPPED ? enter_any(ctx, regs, nr) : 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(any_exit, struct pt_regs *regs, long ret)
{
	long nr = CALL_NUMBER(regs);

	return is_watched(nr) && CALL_IS_64_BIT(regs) && !IS_SKIPPED ? exit_any(nr, ret) : 0;
}

/* The second programs, see again.bpf.h. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(any_enter_again, struct pt_regs *regs, long nr)
{
	return is_watched(nr) && CALL_IS_64_BIT(regs) && !is_inside() ? enter_any(ctx, regs, nr) : 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(any_exit_again, struct pt_regs *regs, long ret)
{
	long nr = CALL_NUMBER(regs);

	return is_watched(nr) && CALL_IS_64_BIT(regs) && is_inside() ? exit_any(nr, ret) : 0;
}

/* A thread that is inside a call goes off the CPU or comes back. One that is preempted wants to run: it does not sleep. */
static __always_inline int switched(bool preempted, __u32 previous, __u32 next, __u64 state)
{
	struct thread *thread = bpf_map_lookup_elem(&threads, &previous);

	if (thread && thread->inside && !preempted && state) {
		thread->uninterruptible = state & TASK_UNINTERRUPTIBLE;
		thread->off = bpf_ktime_get_ns();
	}
	thread = bpf_map_lookup_elem(&threads, &next);
	if (thread && thread->off) {
		__u64 slept = bpf_ktime_get_ns() - thread->off;
		thread->asleep += slept;
		if (thread->uninterruptible)
			thread->blocked += slept;
		thread->off = 0;
	}
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(switch_with_state, bool preempted, struct task_struct *previous, struct task_struct *next, __u32 state)
{
	return switched(preempted, previous->pid, next->pid, state);
}

/* Until 5.17 the state has to be read from the thread, where it may be another one already. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(switch_without_state, bool preempted, struct task_struct *previous, struct task_struct *next)
{
	struct task_struct___state *older = (void *)previous;
	__u64 state = bpf_core_field_exists(previous->__state) ? BPF_CORE_READ(previous, __state) : BPF_CORE_READ(older, state);

	return switched(preempted, previous->pid, next->pid, state);
}
