// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * POSIX AIO is the C library's: its functions queue requests, which threads of the library serve with plain system calls.
 * The functions are seen by probes at their addresses, the threads at their calls (calls.bpf.c); the loader pairs the two.
 */
#include "arch.h"
#include "capture.bpf.h"
#include "file.bpf.h"
#include "posix-aio.bpf.h"
#include "stack.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Most requests of one lio_listio that are looked at. */
#define MOST 512

/* struct aiocb of a 64-bit program: glibc and musl agree, also about where the error is that aio_error() tells. */
struct user_aiocb {
	__s32 fd, list_op, priority, pad;
	__u64 buffer, bytes;
	__u64 event[8];
	__u64 private[2];
	__u32 error, private_too;
	__s64 result;
	__s64 offset;
};

/* A function that a thread is inside, until it returns. A thread may end there: the longest unused give way. */
struct posix_call {
	__u64 request;	/* or the list of them */
	__s32 number;	/* error that it will be refused with, 0: the request says; of the list: how many; aio_cancel: descriptor */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct posix_call);
} posix_calls SEC(".maps");

#define EAGAIN 11
#define EINVAL 22
#define EBADF 9
#define EINPROGRESS 115
#define MOST_ERROR 4095

#define AIO_CANCELED 0
#define AIO_NOTCANCELED 1

static __always_inline void remember(__u64 request, __s32 number)
{
	struct posix_call call = { .request = request, .number = number };
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&posix_calls, &tid, &call, BPF_ANY);
}

/* What the current thread returns from; false when it was not told. */
static __always_inline bool recall(struct posix_call *call)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct posix_call *known = bpf_map_lookup_elem(&posix_calls, &tid);

	if (!known)
		return false;
	*call = *known;
	bpf_map_delete_elem(&posix_calls, &tid);
	return true;
}

/* The current process' number, 0: it has not asked for anything. */
static __always_inline __u32 known_queue(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, *queue = bpf_map_lookup_elem(&posix_queues, &pid);

	return queue && !ended ? *queue : 0;
}

static __always_inline __u32 error_of(__u64 request)
{
	__u32 error;

	if (bpf_probe_read_user(&error, sizeof(error), &((struct user_aiocb *)request)->error))
		return 0;
	return error;
}

static __always_inline void refused(__u64 request, __u32 error)
{
	__u32 queue = known_queue();
	struct record *record = queue ? new_record(RECORD_POSIX_REFUSE, queue, request) : 0;

	if (!record)
		return;
	record->value = -error;
	send(record);
}

static __always_inline __u32 queue_of(__u32 pid)
{
	__u32 *known = bpf_map_lookup_elem(&posix_queues, &pid);

	if (known)
		return *known;
	__u32 queue = next_ring();
	/* another thread may have met it at the same moment */
	if (!queue || bpf_map_update_elem(&posix_queues, &pid, &queue, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&posix_queues, &pid);
		return known ? *known : 0;
	}
	struct notice *notice = new_notice(NOTICE_RING);
	if (notice) {
		notice->ring = queue;
		notice->api = API_POSIX_AIO;
		bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	}
	return queue;
}

/* A request that the program asks for; `op` -1: what the request itself says. */
static __always_inline void asked(__u64 address, int op, __u32 stack)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct user_aiocb request;

	if (!is_tracked(pid) || bpf_probe_read_user(&request, sizeof(request), (void *)address))
		return;
	if (op < 0)
		op = request.list_op;
	/* LIO_NOP does nothing */
	if (op != POSIX_READ && op != POSIX_WRITE && op != POSIX_SYNC)
		return;
	__u32 queue = queue_of(pid), flags = 0;
	if (!queue)
		return;
	struct file *file = file_of_descriptor((void *)bpf_get_current_task(), request.fd);
	if (file)
		flags = tell_file(file, queue, address, request.fd);
	add(&my_counters()->submitted[API_POSIX_AIO], 1);
	tell_stack(stack, queue, address);
	struct record *record = new_record(RECORD_POSIX_SUBMIT, queue, address);
	if (!record)
		return;
	record->op = op;
	record->flags = flags;
	record->user_data = op == POSIX_SYNC ? 0 : request.buffer;
	record->offset = op == POSIX_SYNC ? -1 : request.offset;
	record->length = op == POSIX_SYNC ? 0 : request.bytes > 0xffffffff ? 0xffffffff : request.bytes;
	record->value = request.fd;
	send(record);
}

/* Strangers do not take turns. */
static __always_inline __u32 stack_of(void *ctx)
{
	return stack_every && is_tracked(bpf_get_current_pid_tgid() >> 32) ? sampled_stack(ctx) : 0;
}

SEC("?uprobe")
int posix_read(struct pt_regs *regs)
{
	asked(FUNCTION_ARGUMENT_0(regs), POSIX_READ, stack_of(regs));
	if (known_queue())
		remember(FUNCTION_ARGUMENT_0(regs), 0);
	return 0;
}

SEC("?uprobe")
int posix_write(struct pt_regs *regs)
{
	asked(FUNCTION_ARGUMENT_0(regs), POSIX_WRITE, stack_of(regs));
	if (known_queue())
		remember(FUNCTION_ARGUMENT_0(regs), 0);
	return 0;
}

/* What aio_fsync does not even begin with, and tells the caller alone. */
static __always_inline __s32 why_no_sync(__u32 operation, __u64 request)
{
	__s32 fd;

	if (operation != O_SYNC && operation != O_DSYNC)
		return EINVAL;
	if (bpf_probe_read_user(&fd, sizeof(fd), &((struct user_aiocb *)request)->fd))
		return 0;
	return file_of_descriptor((void *)bpf_get_current_task(), fd) ? 0 : EBADF;
}

/* aio_fsync(operation, request) */
SEC("?uprobe")
int posix_sync(struct pt_regs *regs)
{
	__u64 request = FUNCTION_ARGUMENT_1(regs);

	asked(request, POSIX_SYNC, stack_of(regs));
	if (known_queue())
		remember(request, why_no_sync(FUNCTION_ARGUMENT_0(regs), request));
	return 0;
}

/* aio_read, aio_write and aio_fsync return. */
SEC("?uprobe")
int posix_asked(struct pt_regs *regs)
{
	struct posix_call call;

	if (!recall(&call) || FUNCTION_RESULT(regs) != -1)
		return 0;
	__u32 error = call.number ? call.number : error_of(call.request);
	refused(call.request, error && error <= MOST_ERROR && error != EINPROGRESS ? error : EAGAIN);
	return 0;
}

/* One request of a list, by the address of its pointer; 1 when the caller's memory ends. */
__noinline int posix_listed(__u64 pointer, __u32 stack)
{
	__u64 address = 0;

	if (bpf_probe_read_user(&address, sizeof(address), (void *)pointer))
		return 1;
	/* a list may have holes */
	if (address)
		asked(address, -1, stack);
	return 0;
}

/* lio_listio(mode, list, count, event) */
SEC("?uprobe")
int posix_list(struct pt_regs *regs)
{
	__u64 list = FUNCTION_ARGUMENT_1(regs);
	int count = FUNCTION_ARGUMENT_2(regs);
	__u32 stack = stack_of(regs);

	for (int i = 0; i < MOST; i++)
		if (i >= count || posix_listed(list + i * sizeof(__u64), stack))
			break;
	if (known_queue())
		remember(list, count);
	return 0;
}

/* One request of a list that was not queued as a whole, likewise. Those that are over or under way are known to be. */
__noinline int posix_refused(__u64 pointer)
{
	__u64 address = 0;

	if (bpf_probe_read_user(&address, sizeof(address), (void *)pointer))
		return 1;
	__u32 error = address ? error_of(address) : 0;
	if (error == EAGAIN || error == EINVAL)
		refused(address, error);
	return 0;
}

/* lio_listio returns. */
SEC("?uprobe")
int posix_list_asked(struct pt_regs *regs)
{
	struct posix_call call;

	if (!recall(&call) || FUNCTION_RESULT(regs) != -1)
		return 0;
	for (int i = 0; i < MOST; i++)
		if (i >= call.number || posix_refused(call.request + i * sizeof(__u64)))
			break;
	return 0;
}

/* aio_cancel(descriptor, request) */
SEC("?uprobe")
int posix_cancel(struct pt_regs *regs)
{
	if (known_queue())
		remember(FUNCTION_ARGUMENT_1(regs), FUNCTION_ARGUMENT_0(regs));
	return 0;
}

/* aio_cancel returns. */
SEC("?uprobe")
int posix_cancelled(struct pt_regs *regs)
{
	int result = FUNCTION_RESULT(regs);
	struct posix_call call;

	if (!recall(&call) || !(result == AIO_CANCELED || (result == AIO_NOTCANCELED && !call.request)))
		return 0;
	__u32 queue = known_queue();
	struct record *record = queue ? new_record(RECORD_POSIX_CANCEL, queue, call.request) : 0;
	if (!record)
		return 0;
	record->value = call.number;
	send(record);
	return 0;
}
