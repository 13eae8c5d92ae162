// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * io_uring on kernels up to 5.17, and on 5.10 with the io_uring that its stable releases have since 5.10.162. Three things
 * are different from later ones: a completion does not tell its request, a malformed sqe is told by its completion
 * alone, and a request does not keep its sqe's descriptor. What was submitted is read from the submission queue.
 *
 * 5.10 has no atomics that return the old value, so these records go through the ring buffer.
 */
#include "file.bpf.h"
#include "stack.bpf.h"
#include "opcodes.bpf.h"
#include "rings.bpf.h"
#include "vector.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* How many sqes were taken from a ring when one of them was last submitted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} sqes_taken SEC(".maps");

/* The sqe that was taken from the queue last; `*taken` says how many were. */
static __always_inline struct io_uring_sqe *last_sqe(struct io_ring_ctx *ctx, __u32 *taken)
{
	__u32 entries = BPF_CORE_READ(ctx, sq_entries), index = 0;

	*taken = BPF_CORE_READ(ctx, cached_sq_head);
	bpf_probe_read_kernel(&index, sizeof(index), BPF_CORE_READ(ctx, sq_array) + ((*taken - 1) & (entries - 1)));
	return (void *)BPF_CORE_READ(ctx, sq_sqes) + (index & (entries - 1)) * 64ULL;
}

static __always_inline void describe(struct record *record, struct io_uring_sqe *sqe, __u8 op)
{
	__u64 kind = op < 64 ? BIT(op) : 0;

	record->op = op;
	record->offset = -1;
	if (kind & READ_WRITE)
		record->offset = BPF_CORE_READ(sqe, off);
	if (kind & (READ_WRITE | SEND_RECEIVE))
		record->length = BPF_CORE_READ(sqe, len);
	if (kind & VECTORED)
		record->length = vector_bytes((void *)BPF_CORE_READ(sqe, addr), record->length);
}

SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_old_submit, void *uring, void *request, __u8 op, __u64 user_data, __u32 request_flags)
{
	struct io_kiocb *req = request;
	__u32 ring = ring_of_submission(my_seen(), (__u64)uring), taken;

	if (!ring)
		return 0;
	struct io_uring_sqe *sqe = last_sqe(uring, &taken);
	struct file *file = BPF_CORE_READ(req, file);
	__u32 flags = request_flags & SQE_FLAGS;
	int fd = file ? BPF_CORE_READ(sqe, fd) : -1;

	bpf_map_update_elem(&sqes_taken, &ring, &taken, BPF_ANY);
	add(&my_counters()->submitted[API_IO_URING], 1);
	count_ring(ring, 1, 0);
	if (file && BPF_CORE_READ(file, f_flags) & O_DIRECT)
		flags |= RECORD_DIRECT;
	if (op < 64 && BIT(op) & FIXED_BUFFER)
		flags |= RECORD_FIXED_BUFFER;
	tell_stack(sampled_stack(ctx), ring, (__u64)req);
	struct record *record = new_record(RECORD_SUBMIT, ring, (__u64)req);
	if (!record)
		return 0;
	describe(record, sqe, op);
	record->flags = flags;
	record->user_data = user_data;
	record->value = fd;
	send(record);
	/* after it, because it names the request */
	if (file)
		tell_file(file, ring, (__u64)req, -1);
	return 0;
}

/*
 * If a completion is that of an sqe that was taken and not submitted, tells the rejection and returns its sqe's address,
 * which is unlike any request's; else 0.
 */
static __always_inline __u64 rejected(struct io_ring_ctx *ctx, __u32 ring, __u64 user_data)
{
	__u32 now, *then = bpf_map_lookup_elem(&sqes_taken, &ring), none = 0;
	struct io_uring_sqe *sqe = last_sqe(ctx, &now);

	if (now - (then ? *then : none) != 1 || BPF_CORE_READ(sqe, user_data) != user_data)
		return 0;
	bpf_map_update_elem(&sqes_taken, &ring, &now, BPF_ANY);
	add(&my_counters()->submitted[API_IO_URING], 1);
	count_ring(ring, 1, 0);
	struct record *record = new_record(RECORD_REJECT, ring, (__u64)sqe);
	if (!record)
		return 0;
	record->op = BPF_CORE_READ(sqe, opcode);
	record->flags = BPF_CORE_READ(sqe, flags) & SQE_FLAGS;
	record->user_data = user_data;
	record->offset = BPF_CORE_READ(sqe, off);
	record->length = BPF_CORE_READ(sqe, len);
	record->value = BPF_CORE_READ(sqe, fd);
	send(record);
	return (__u64)sqe;
}

SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_old_complete, void *uring, __u64 user_data, int res, __u32 cqe_flags)
{
	__u32 ring = find_ring(my_seen(), (__u64)uring);

	if (!ring)
		return 0;
	__u64 key = res < 0 ? rejected(uring, ring, user_data) : 0;
	bool last = !(cqe_flags & CQE_MORE);
	add(&my_counters()->completed[API_IO_URING], last);
	count_ring(ring, 0, last);
	struct record *record = new_record(RECORD_COMPLETE, ring, key);
	if (!record)
		return 0;
	record->flags = key ? RECORD_HAS_REQUEST : RECORD_BY_USER_DATA;
	record->user_data = user_data;
	record->value = res;
	record->length = cqe_flags;
	send(record);
	return 0;
}

static __always_inline int marked(__u64 ctx, __u64 request, enum record_type type, __u64 user_data)
{
	__u32 ring = find_ring(my_seen(), ctx);
	struct record *record = ring ? new_record(type, ring, request) : 0;

	if (!record)
		return 0;
	record->user_data = user_data;
	send(record);
	return 0;
}

SEC("?tp_btf/io_uring_queue_async_work")
int BPF_PROG(uring_old_punt, void *uring, int write, void *req)
{
	return marked((__u64)uring, (__u64)req, RECORD_PUNT, 0);
}

SEC("?tp_btf/io_uring_poll_arm")
int BPF_PROG(uring_old_poll_arm, void *uring, void *req)
{
	return marked((__u64)uring, (__u64)req, RECORD_POLL, 0);
}

SEC("?tp_btf/io_uring_link")
int BPF_PROG(uring_old_link, void *uring, void *req, void *head)
{
	return marked((__u64)uring, (__u64)req, RECORD_LINK, (__u64)head);
}

SEC("?tp_btf/io_uring_fail_link")
int BPF_PROG(uring_old_fail_link, void *request, void *link)
{
	struct io_kiocb *req = request;
	struct io_kiocb___flat *failed = link;

	return marked((__u64)BPF_CORE_READ(req, ctx), (__u64)link, RECORD_LINK_FAILED, BPF_CORE_READ(failed, user_data));
}

SEC("?tp_btf/io_uring_register")
int BPF_PROG(uring_old_register, void *uring, unsigned int opcode, unsigned int files, unsigned int buffers, bool eventfd, long ret)
{
	__u32 ring = find_ring(my_seen(), (__u64)uring);
	struct record *record = ring ? new_record(RECORD_REGISTER, ring, 0) : 0;

	if (!record)
		return 0;
	record->value = opcode;
	record->offset = ret;
	send(record);
	return 0;
}
