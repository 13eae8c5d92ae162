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

/* struct aiocb of a 64-bit program: glibc and musl agree. */
struct user_aiocb {
	__s32 fd, list_op, priority, pad;
	__u64 buffer, bytes;
	__u64 event[8];
	__u64 private[4];
	__s64 offset;
};

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
	return 0;
}

SEC("?uprobe")
int posix_write(struct pt_regs *regs)
{
	asked(FUNCTION_ARGUMENT_0(regs), POSIX_WRITE, stack_of(regs));
	return 0;
}

/* aio_fsync(operation, request) */
SEC("?uprobe")
int posix_sync(struct pt_regs *regs)
{
	asked(FUNCTION_ARGUMENT_1(regs), POSIX_SYNC, stack_of(regs));
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
	return 0;
}
