// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Kernel AIO. It has no tracepoints of its own, so submission and reap are seen at the system calls, where the
 * iocbs and events are in the caller's memory. The true end of direct I/O is seen through iomap: its kiocb is
 * part of the aio_kiocb, which names the caller's iocb.
 *
 * An iocb is reported when io_submit starts, because its completion may come before io_submit returns; how
 * many were accepted is reported after.
 */
#include "again.bpf.h"
#include "arch.h"
#include "capture.bpf.h"
#include "file.bpf.h"
#include "refused.bpf.h"
#include "thread.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Most iocbs of one io_submit, and most events of one io_getevents, that are looked at. */
#define MOST 512

/* struct iocb and io_event of the system call interface, which do not change */
struct user_iocb {
	__u64 data;
	__u32 key, rw_flags;
	__u16 opcode;
	__s16 priority;
	__u32 fd;
	__u64 buffer, bytes;
	__s64 offset;
	__u64 reserved;
	__u32 flags, eventfd;
};
struct user_event {
	__u64 data, obj;
	__s64 res, res2;
};
/* What an aio context's id points to: the head of the ring that the kernel puts events into. */
struct user_ring {
	__u32 id, size, head, tail, magic, features, incompatible, head_bytes;
};
#define RING_MAGIC 0xa10a10a1
/* of user_iocb.flags: `eventfd` is to be signalled */
#define IOCB_FLAG_RESFD 1

struct context {
	__u64 id;
	__u32 pid, pad;
};

/* aio context of a process to our ring number. Processes end without a word about theirs: the longest unused ones give way. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct context);
	__type(value, __u32);
} contexts SEC(".maps");

/* How many contexts were destroyed: a number that a thread remembers may be another context's after that. */
static __u32 destroyed;

/*
 * The kernel's own context (struct kioctx) to our number for it. One that is gone may stay: when its address is another
 * context's, direct I/O that begins sets it right.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} kernel_contexts SEC(".maps");
/* What the kernel calls at the end of an iocb (aio_complete_rw): other kinds of direct I/O have others. */
static __u64 completes_iocb;
/* For each CPU the kiocb that aio_direct_end saw last, 0 when it is no iocb's. */
static __u64 last_ends[MAX_CPUS];

/* A context that begins, or was there before. */
static __always_inline __u32 new_context(__u64 id, __u32 pid, __u32 events, bool existed)
{
	struct context context = { .id = id, .pid = pid };
	__u32 ring = next_ring();

	if (!ring || bpf_map_update_elem(&contexts, &context, &ring, BPF_ANY))
		return 0;
	struct notice *notice = new_notice(NOTICE_RING);
	if (notice) {
		notice->ring = ring;
		notice->api = API_LIBAIO;
		notice->sq = events;
		notice->existed = existed;
		bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	}
	return ring;
}

/* Our number for the context, through what the thread remembers; 0 when it has none. */
static __always_inline __u32 known_context(struct thread *thread, __u64 id)
{
	if (thread->last_ring && thread->last_context == id && thread->last_destroyed == destroyed)
		return thread->last_ring;
	struct context context = { .id = id, .pid = bpf_get_current_pid_tgid() >> 32 };
	__u32 now = destroyed, *ring = bpf_map_lookup_elem(&contexts, &context);
	if (!ring)
		return 0;
	thread->last_context = id;
	thread->last_ring = *ring;
	thread->last_destroyed = now;
	return *ring;
}

/*
 * One iocb of an io_submit that has just begun, by the address of its pointer; 1 when the caller's memory ends.
 * Not static: the verifier looks at it once, and not at every turn of the loop.
 */
__noinline int record_iocb(__u64 pointer, __u32 ring, __u32 index)
{
	struct user_iocb iocb;
	__u64 address = 0;

	if (bpf_probe_read_user(&address, sizeof(address), (void *)pointer) ||
	    bpf_probe_read_user(&iocb, sizeof(iocb), (void *)address))
		return 1;
	__u32 flags = index == 0 ? RECORD_FIRST : 0;
	struct file *file = file_of_descriptor((void *)bpf_get_current_task(), iocb.fd);
	if (file)
		flags |= tell_file(file, ring, address, iocb.fd);
	if (iocb.flags & IOCB_FLAG_RESFD)
		flags |= RECORD_SIGNALS;
	struct record *record = new_record(RECORD_AIO_SUBMIT, ring, address);
	if (!record)
		return 0;
	record->op = iocb.opcode;
	record->flags = flags;
	record->user_data = iocb.data;
	record->offset = iocb.offset;
	record->length = iocb.bytes > 0xffffffff ? 0xffffffff : iocb.bytes;
	record->value = iocb.fd;
	send(record);
	return 0;
}

/* One event that io_getevents gave to its caller, likewise. */
__noinline int record_event(__u64 pointer, __u32 ring)
{
	struct user_event event;

	if (bpf_probe_read_user(&event, sizeof(event), (void *)pointer))
		return 1;
	struct record *record = new_record(RECORD_AIO_REAP, ring, event.obj);
	if (!record)
		return 0;
	record->user_data = event.data;
	record->offset = event.res;
	send(record);
	return 0;
}

static __always_inline bool read_ring(struct user_ring *ring, __u64 context)
{
	return !bpf_probe_read_user(ring, sizeof(*ring), (void *)context) && ring->magic == RING_MAGIC &&
	       ring->tail < ring->size && ring->head_bytes == sizeof(*ring);
}

/*
 * An event put into the context's ring, of `size` places, while its submitter was still inside io_submit. `place`
 * goes on past the ring's end: to wrap it in the loop would make older verifiers look at every turn twice.
 */
__noinline int record_done(__u64 context, __u32 ring, __u32 place, __u32 size)
{
	struct user_event event;
	__u64 at = place < size ? place : place - size;

	if (bpf_probe_read_user(&event, sizeof(event), (void *)(context + sizeof(struct user_ring) + at * sizeof(event))))
		return 1;
	struct record *record = new_record(RECORD_AIO_DONE, ring, event.obj);
	if (!record)
		return 0;
	record->offset = event.res;
	send(record);
	return 0;
}

/*
 * What finished inside io_submit: nothing else tells it of operations that iomap does not carry, and it is the
 * proof that a submit did the work itself. The ring is the program's memory: what makes no sense is passed over.
 */
static __always_inline void finished_inside(struct thread *thread)
{
	__u64 context = thread->context;
	__u32 tail = thread->tail, number = thread->ring;
	struct user_ring ring;

	if (!read_ring(&ring, context) || tail >= ring.size)
		return;
	__u32 count = ring.tail >= tail ? ring.tail - tail : ring.tail + ring.size - tail;
	for (__u32 i = 0; i < MOST; i++)
		if (i >= count || record_done(context, number, tail + i, ring.size))
			break;
}

static __always_inline void submit_begins(struct thread *thread, __u64 context, __u64 many, __u64 pointer)
{
	__u32 count = many > MOST ? MOST : many, number = known_context(thread, context);
	struct user_ring ring;

	if (!number)
		number = new_context(context, bpf_get_current_pid_tgid() >> 32, 0, true);
	thread->context = context;
	thread->length = many;
	thread->ring = number;
	thread->tail = read_ring(&ring, context) ? ring.tail : ~0u;
	if (!number || (long)many <= 0)
		return;
	for (__u32 i = 0; i < MOST; i++)
		if (i >= count || record_iocb(pointer + i * sizeof(__u64), number, i))
			break;
}

int aio_enter(__u64 nr, __u64 first, __u64 second, __u64 third, __u64 fourth)
{
	struct thread *thread = enter_call(nr == __NR_io_submit ? CALL_IO_SUBMIT + 1 :
					   nr == __NR_io_getevents ? CALL_IO_GETEVENTS + 1 :
					   nr == __NR_io_pgetevents ? CALL_IO_PGETEVENTS + 1 :
					   nr == __NR_io_setup ? INSIDE_IO_SETUP : INSIDE_IO_DESTROY);

	if (!thread)
		return 0;
	if (nr == __NR_io_submit) {
		submit_begins(thread, first, second, third);
	} else if (nr == __NR_io_setup) {
		thread->length = first;
		thread->pointer = second;
	} else {
		thread->context = first;
		thread->ring = known_context(thread, first);
		thread->length = nr == __NR_io_destroy ? 0 : third;
		thread->pointer = fourth;
	}
	return 0;
}

static __always_inline void reaped(__u64 pointer, __u32 ring, long count)
{
	if (count <= 0)
		return;
	add(&my_counters()->completed[API_LIBAIO], count);
	for (__u32 i = 0; i < MOST; i++)
		if (i >= count || record_event(pointer + i * sizeof(struct user_event), ring))
			break;
}

static __always_inline void destroy(struct thread *thread)
{
	struct context context = { .id = thread->context, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct record *record = new_record(RECORD_AIO_DESTROY, thread->ring, 0);

	if (record)
		send(record);
	bpf_map_delete_elem(&contexts, &context);
	__sync_fetch_and_add(&destroyed, 1);
}

int aio_leave(__u64 nr, __u64 result)
{
	struct thread *thread = known_thread();
	__u32 inside = thread ? thread->inside : 0;
	long ret = result;

	if (nr == __NR_io_setup)
		tell_refused(REFUSED_IO_SETUP, ret, inside == INSIDE_IO_SETUP);
	if (ended || !thread || !inside)
		return 0;
	thread->inside = 0;
	if (inside == INSIDE_IO_SETUP) {
		__u64 id;
		if (ret == 0 && !bpf_probe_read_user(&id, sizeof(id), (void *)thread->pointer))
			new_context(id, bpf_get_current_pid_tgid() >> 32, thread->length, false);
		return 0;
	}
	if (inside == INSIDE_IO_DESTROY) {
		if (ret == 0 && thread->ring)
			destroy(thread);
		return 0;
	}
	if (inside == CALL_IO_SUBMIT + 1) {
		if (ret > 0)
			add(&my_counters()->submitted[API_LIBAIO], ret);
		if (thread->ring)
			finished_inside(thread);
	} else if (thread->ring) {
		reaped(thread->pointer, thread->ring, ret);
	}
	thread->inside = inside;
	tell_call(thread, ret);
	thread->inside = 0;
	return 0;
}

static __always_inline int enter_one(struct trace_event_raw_sys_enter *event)
{
	__u64 arguments[4];

	/* a call may have less arguments than are read: what is behind them is not used */
	if (bpf_probe_read_kernel(arguments, sizeof(arguments),
				  (void *)event + bpf_core_field_offset(struct trace_event_raw_sys_enter, args)))
		return 0;
	aio_enter((__u32)event->id, arguments[0], arguments[1], arguments[2], arguments[3]);
	if ((__u32)event->id == __NR_io_submit)
		tell_stack_of_call(event);
	return 0;
}

/* One pair of programs for all calls of kernel AIO: the event says which call it is. */
SEC("?tracepoint")
int aio_call_enter(struct trace_event_raw_sys_enter *event)
{
	return IS_SKIPPED ? 0 : enter_one(event);
}

SEC("?tracepoint")
int aio_call_exit(struct trace_event_raw_sys_exit *event)
{
	return IS_SKIPPED ? 0 : aio_leave((__u32)event->id, event->ret);
}

/* The second pair, see again.bpf.h. */
SEC("?tracepoint")
int aio_call_enter_again(struct trace_event_raw_sys_enter *event)
{
	return is_inside() ? 0 : enter_one(event);
}

SEC("?tracepoint")
int aio_call_exit_again(struct trace_event_raw_sys_exit *event)
{
	return is_inside() ? aio_leave((__u32)event->id, event->ret) : 0;
}

/* Direct I/O begins. Inside io_submit its kiocb is an aio_kiocb's, which starts with it. */
SEC("?tp_btf/iomap_dio_rw_begin")
int BPF_PROG(aio_direct_begin, struct kiocb *kiocb)
{
	struct thread *thread = known_thread();

	if (!thread || thread->inside != CALL_IO_SUBMIT + 1 || !thread->ring)
		return 0;
	struct aio_kiocb *aio = (void *)kiocb;
	__u64 context = (__u64)BPF_CORE_READ(aio, ki_ctx);
	__u32 *known = bpf_map_lookup_elem(&kernel_contexts, &context);
	if (!known)
		bpf_map_update_elem(&kernel_contexts, &context, &thread->ring, BPF_ANY);
	else if (*known != thread->ring)
		*known = thread->ring;
	if (!completes_iocb)
		completes_iocb = (__u64)BPF_CORE_READ(kiocb, ki_complete);
	return 0;
}

/* Whether the kiocb is an iocb's. */
static __always_inline bool is_iocb(struct kiocb *kiocb)
{
	return !ended && completes_iocb && (__u64)kiocb->ki_complete == completes_iocb;
}

static __always_inline void direct_end(struct kiocb *kiocb, long ret)
{
	struct aio_kiocb *aio = (void *)kiocb;
	__u64 context = (__u64)BPF_CORE_READ(aio, ki_ctx);
	__u32 *ring = bpf_map_lookup_elem(&kernel_contexts, &context);
	struct record *record = ring ? new_record(RECORD_AIO_DONE, *ring, BPF_CORE_READ(aio, ki_res.obj)) : 0;

	if (!record)
		return;
	record->offset = ret;
	send(record);
}

SEC("?tp_btf/iomap_dio_complete")
int BPF_PROG(aio_direct_end, struct kiocb *kiocb, int error, long ret)
{
	bool wanted = is_iocb(kiocb);

	last_ends[this_cpu()] = wanted ? (__u64)kiocb : 0;
	if (wanted)
		direct_end(kiocb, ret);
	return 0;
}

/*
 * The second program, see again.bpf.h. This one is always there: a disk's interrupt that comes while the first looks at
 * somebody's synchronous read is told by it. If an interrupt comes between the two, an end is told twice, and the second ignored.
 */
SEC("?tp_btf/iomap_dio_complete")
int BPF_PROG(aio_direct_end_again, struct kiocb *kiocb, int error, long ret)
{
	if (is_iocb(kiocb) && last_ends[this_cpu()] != (__u64)kiocb)
		direct_end(kiocb, ret);
	return 0;
}
