// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Kernel AIO. It has no tracepoints of its own, so submission and reap are seen at the system calls, where the
 * iocbs and events are in the caller's memory. The true end of direct I/O is seen through iomap: its kiocb is
 * part of the aio_kiocb, which names the caller's iocb.
 *
 * An iocb is reported when io_submit starts, because its completion may come before io_submit returns; how
 * many were accepted is reported after.
 */
#include "arch.h"
#include "capture.bpf.h"
#include "file.bpf.h"

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

struct context {
	__u64 id;
	__u32 pid, pad;
};

/* aio context of a process to our ring number */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct context);
	__type(value, __u32);
} contexts SEC(".maps");

/* A system call of ours that a thread is in. */
struct aio_call {
	__u64 time;
	__u64 context;
	__u64 pointer;
	__u32 nr, count, ring;
	__u32 tail;		/* io_submit: of the context's event ring when the call began */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct aio_call);
} calls SEC(".maps");

struct direct {
	__u64 iocb;
	__u32 ring, pad;
};
/* kiocb of direct I/O in flight to the iocb it serves */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct direct);
} in_flight SEC(".maps");

static __always_inline __u32 ring_of(__u64 id, __u32 pid, __u32 events, bool existed)
{
	struct context context = { .id = id, .pid = pid };
	__u32 *known = existed ? bpf_map_lookup_elem(&contexts, &context) : 0;

	if (known)
		return *known;
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
	if (file) {
		tell_file(file, ring, address, iocb.fd);
		if (BPF_CORE_READ(file, f_flags) & O_DIRECT)
			flags |= RECORD_DIRECT;
	}
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
static __always_inline void finished_inside(struct aio_call *call)
{
	struct user_ring ring;

	if (!read_ring(&ring, call->context) || call->tail >= ring.size)
		return;
	__u32 count = ring.tail >= call->tail ? ring.tail - call->tail : ring.tail + ring.size - call->tail;
	for (__u32 i = 0; i < MOST; i++)
		if (i >= count || record_done(call->context, call->ring, call->tail + i, ring.size))
			break;
}

static __always_inline int entered(long nr, __u64 first, __u64 second, __u64 third, __u64 fourth)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 tid = ids;
	struct aio_call call = { .nr = nr, .context = first, .time = bpf_ktime_get_ns() };

	if (!is_tracked(ids >> 32))
		return 0;
	if (nr == __NR_io_setup) {
		call.count = first;
		call.pointer = second;
	} else if (nr == __NR_io_submit) {
		struct user_ring ring;
		call.count = second > MOST ? MOST : second;
		call.pointer = third;
		call.tail = read_ring(&ring, first) ? ring.tail : ~0u;
		call.ring = ring_of(first, ids >> 32, 0, true);
	} else if (nr != __NR_io_destroy) {
		call.pointer = fourth;
	}
	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	if (nr != __NR_io_submit || !call.ring || (long)second <= 0)
		return 0;
	for (__u32 i = 0; i < MOST; i++)
		if (i >= call.count || record_iocb(call.pointer + i * sizeof(__u64), call.ring, i))
			break;
	return 0;
}

static __always_inline void reaped(struct aio_call *call, __u32 pid, long count)
{
	struct context context = { .id = call->context, .pid = pid };
	__u32 *ring = bpf_map_lookup_elem(&contexts, &context);

	if (!ring || count <= 0)
		return;
	add(&my_counters()->completed[API_LIBAIO], count);
	for (__u32 i = 0; i < MOST; i++)
		if (i >= count || record_event(call->pointer + i * sizeof(struct user_event), *ring))
			break;
}

static __always_inline int left(long nr, long ret)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 tid = ids, pid = ids >> 32;
	struct aio_call *found = bpf_map_lookup_elem(&calls, &tid);

	if (ended || !found || found->nr != nr)
		return 0;
	struct aio_call call = *found;
	bpf_map_delete_elem(&calls, &tid);
	if (nr == __NR_io_setup) {
		__u64 id;
		if (ret == 0 && !bpf_probe_read_user(&id, sizeof(id), (void *)call.pointer))
			ring_of(id, pid, call.count, false);
	} else if (nr == __NR_io_submit) {
		if (ret > 0)
			add(&my_counters()->submitted[API_LIBAIO], ret);
		if (call.ring)
			finished_inside(&call);
		struct record *record = call.ring ? new_record(RECORD_AIO_SUBMITTED, call.ring, 0) : 0;
		if (!record)
			return 0;
		record->value = ret;
		record->offset = bpf_ktime_get_ns() - call.time;
		send(record);
	} else if (nr == __NR_io_destroy) {
		struct context context = { .id = call.context, .pid = pid };
		__u32 *ring = ret == 0 ? bpf_map_lookup_elem(&contexts, &context) : 0;
		struct record *record = ring ? new_record(RECORD_AIO_DESTROY, *ring, 0) : 0;
		if (record)
			send(record);
		if (ring)
			bpf_map_delete_elem(&contexts, &context);
	} else {
		reaped(&call, pid, ret);
	}
	return 0;
}

static __always_inline bool is_ours(long nr)
{
	return nr == __NR_io_setup || nr == __NR_io_destroy || nr == __NR_io_submit || nr == __NR_io_getevents ||
	       nr == __NR_io_pgetevents;
}

/* Every system call of the machine passes here: used only where tracefs can not be reached. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(aio_any_enter, struct pt_regs *regs, long nr)
{
	if (!is_ours(nr) || !CALL_IS_64_BIT(regs))
		return 0;
	return entered(nr, CALL_ARGUMENT_0(regs), CALL_ARGUMENT_1(regs), CALL_ARGUMENT_2(regs),
		       CALL_ARGUMENT_3(regs));
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(aio_any_exit, struct pt_regs *regs, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct aio_call *call = bpf_map_lookup_elem(&calls, &tid);

	return call ? left(call->nr, ret) : 0;
}

#define SYSCALL(name)									\
	SEC("?tracepoint/syscalls/sys_enter_" #name)					\
	int enter_##name(struct trace_event_raw_sys_enter *event)			\
	{										\
		return entered(__NR_##name, event->args[0], event->args[1],		\
			       event->args[2], event->args[3]);				\
	}										\
	SEC("?tracepoint/syscalls/sys_exit_" #name)					\
	int exit_##name(struct trace_event_raw_sys_exit *event)				\
	{										\
		return left(__NR_##name, event->ret);					\
	}

SYSCALL(io_setup)
SYSCALL(io_destroy)
SYSCALL(io_submit)
SYSCALL(io_getevents)
SYSCALL(io_pgetevents)

/* Direct I/O begins. Inside io_submit its kiocb is an aio_kiocb's, which starts with it. */
SEC("?tp_btf/iomap_dio_rw_begin")
int BPF_PROG(aio_direct_begin, struct kiocb *kiocb)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct aio_call *call = bpf_map_lookup_elem(&calls, &tid);

	if (!call || call->nr != __NR_io_submit || !call->ring)
		return 0;
	struct aio_kiocb *aio = (void *)kiocb;
	struct direct direct = { .iocb = BPF_CORE_READ(aio, ki_res.obj), .ring = call->ring };
	__u64 key = (__u64)kiocb;
	bpf_map_update_elem(&in_flight, &key, &direct, BPF_ANY);
	return 0;
}

SEC("?tp_btf/iomap_dio_complete")
int BPF_PROG(aio_direct_end, struct kiocb *kiocb, int error, long ret)
{
	__u64 key = (__u64)kiocb;
	struct direct *direct = bpf_map_lookup_elem(&in_flight, &key);

	if (ended || !direct)
		return 0;
	struct record *record = new_record(RECORD_AIO_DONE, direct->ring, direct->iocb);
	bpf_map_delete_elem(&in_flight, &key);
	if (!record)
		return 0;
	record->offset = ret;
	send(record);
	return 0;
}
