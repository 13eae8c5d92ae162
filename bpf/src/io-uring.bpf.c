// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * io_uring, through its tracepoints. Their arguments change between kernels: where they do there is one
 * program for each variant, and the loader loads the one that fits the running kernel's prototype.
 *
 * Submissions are filtered by the submitting process; everything after is filtered by the ring, because
 * completions run in worker threads, in interrupts, or in whoever happens to be on the CPU.
 */
#include "capture.bpf.h"
#include "file.bpf.h"
#include "vector.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CQE_MORE (1U << 1)
#define CQE_NOTIF (1U << 3)
#define SQE_FLAGS 0x7f

/* IORING_OP_* by number */
enum { OP_READV = 1, OP_WRITEV = 2, OP_READ_FIXED = 4, OP_WRITE_FIXED = 5, OP_READ = 22, OP_WRITE = 23,
       OP_SEND = 26, OP_RECV = 27, OP_SEND_ZC = 47, OP_READ_MULTISHOT = 49, OP_READV_FIXED = 60,
       OP_WRITEV_FIXED = 61 };
#define BIT(n) (1ULL << (n))
#define VECTORED (BIT(OP_READV) | BIT(OP_WRITEV) | BIT(OP_READV_FIXED) | BIT(OP_WRITEV_FIXED))
#define READ_WRITE (VECTORED | BIT(OP_READ_FIXED) | BIT(OP_WRITE_FIXED) | BIT(OP_READ) | BIT(OP_WRITE) | \
		    BIT(OP_READ_MULTISHOT))
#define SEND_RECEIVE (BIT(OP_SEND) | BIT(OP_RECV) | BIT(OP_SEND_ZC))
/* opcodes that act on the sqe's descriptor; for the others the request's fd field holds an older request's */
#define WITHOUT_FILE (BIT(0) | BIT(7) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | \
		      BIT(25) | BIT(28) | BIT(29) | BIT(31) | BIT(32) | BIT(35) | BIT(36) | BIT(37) | BIT(38) | \
		      BIT(39) | BIT(42) | BIT(44) | BIT(45) | BIT(50) | BIT(51) | BIT(52) | BIT(53) | BIT(62) | \
		      BIT(63))

/*
 * The ring that each CPU saw last: the low 48 bits of the context's address, then its number. One word, so that an
 * interrupt that nests can not leave half of it.
 */
static __u64 last_seen[MAX_CPUS];

/* An address as a number: the verifier lets nobody calculate with what it knows to be a kernel pointer. */
static __always_inline __u64 number(const void *pointer)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &pointer);
	return value;
}

/* Number of a traced ring, else 0. */
static __always_inline __u32 find_ring(__u64 ctx)
{
	__u64 *cached = &last_seen[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
	__u64 seen = *(volatile __u64 *)cached;

	if (ended)
		return 0;
	if (seen >> 16 == (ctx & KEY_MASK))
		return seen & 0xffff;
	__u32 *ring = bpf_map_lookup_elem(&rings, &ctx);
	if (!ring)
		return 0;
	*(volatile __u64 *)cached = ctx << 16 | *ring;
	return *ring;
}

/* The address of a ring that is gone may come again. */
static __always_inline void forget_ring(__u64 ctx)
{
	for (int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (last_seen[cpu] >> 16 == (ctx & KEY_MASK))
			last_seen[cpu] = 0;
	bpf_map_delete_elem(&rings, &ctx);
}

/* Starts to trace a ring; 0 when it can not be numbered. */
static __always_inline __u32 new_ring(__u64 ctx, int fd, __u32 pid, __u32 sq, __u32 cq, __u32 flags, bool existed)
{
	__u32 ring = next_ring();

	if (!ring)
		return 0;
	/* another CPU may have met it at the same moment */
	if (bpf_map_update_elem(&rings, &ctx, &ring, BPF_NOEXIST))
		return find_ring(ctx);
	struct notice *notice = new_notice(NOTICE_RING);
	if (notice) {
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
static __always_inline __u32 ring_of_submission(__u64 ctx)
{
	__u32 ring = find_ring(ctx), tgid = bpf_get_current_pid_tgid() >> 32;

	return ring || !is_tracked(tgid) ? ring : existing_ring(ctx, -1, tgid);
}

SEC("tp_btf/io_uring_create")
int BPF_PROG(uring_create, int fd, struct io_ring_ctx *uring, __u32 sq, __u32 cq, __u32 flags)
{
	__u64 key = number(uring);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	forget_ring(key);
	if (is_tracked(tgid))
		new_ring(key, fd, tgid, sq, cq, flags, false);
	return 0;
}

/* Rings that were there before us. The file's name tells them: comparing f_op would need kallsyms. */
SEC("?iter/task_file")
int uring_existing(struct bpf_iter__task_file *it)
{
	static const char wanted[] = "[io_uring]";
	struct task_struct *task = it->task;
	struct file *file = it->file;
	char name[sizeof(wanted)] = {};

	if (!task || !file || task->pid != task->tgid || !is_tracked(task->tgid))
		return 0;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
	for (unsigned int i = 0; i < sizeof(wanted); i++)
		if (name[i] != wanted[i])
			return 0;
	existing_ring((__u64)BPF_CORE_READ(file, private_data), it->fd, task->tgid);
	return 0;
}

/*
 * A field of a request. The verifier knows what a typed argument points to and lets it be read as it is, which
 * costs next to nothing; an untyped one goes through a helper.
 */
#define FIELD(typed, request, field) (typed ? request->field : BPF_CORE_READ(request, field))

static __always_inline int submitted(struct io_kiocb *req, bool typed)
{
	__u32 ring = ring_of_submission((__u64)BPF_CORE_READ(req, ctx));

	if (!ring)
		return 0;
	add(&my_counters()->submitted[API_IO_URING], 1);
	struct record *record = new_record(RECORD_SUBMIT, ring, (__u64)req);
	if (!record)
		return 0;

	__u8 op = FIELD(typed, req, opcode);
	__u64 kind = op < 64 ? BIT(op) : 0;
	record->op = op;
	record->flags = FIELD(typed, req, flags) & SQE_FLAGS;
	record->value = -1;
	if (bpf_core_field_exists(req->cqe)) {
		record->user_data = FIELD(typed, req, cqe.user_data);
		if (!(kind & WITHOUT_FILE))
			record->value = FIELD(typed, req, cqe.fd);
	} else {
		struct io_kiocb___flat *flat = (void *)req;
		record->user_data = BPF_CORE_READ(flat, user_data);
	}
	record->offset = -1;
	/* a request starts with the part that belongs to its opcode */
	if (kind & READ_WRITE) {
		struct io_rw *rw = (void *)req;
		record->offset = BPF_CORE_READ(rw, kiocb.ki_pos);
		record->length = BPF_CORE_READ(rw, len);
		if (kind & VECTORED)
			record->length = vector_bytes((void *)BPF_CORE_READ(rw, addr), record->length);
	} else if (kind & SEND_RECEIVE) {
		struct io_sr_msg *message = (void *)req;
		record->length = BPF_CORE_READ(message, len);
	}
	send(record);
	return 0;
}

/* 6.4 and later */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_req, struct io_kiocb *req)
{
	return submitted(req, true);
}

/* 6.0 to 6.3 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_req, struct io_kiocb *req)
{
	return submitted(req, true);
}

/* 5.15 to 5.19 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_ctx, void *uring, void *req)
{
	return submitted(req, false);
}

/* A malformed sqe never becomes a request that is submitted, but it is completed. */
SEC("?tp_btf/io_uring_req_failed")
int BPF_PROG(uring_req_failed, const struct io_uring_sqe *sqe, struct io_kiocb *req)
{
	__u32 ring = ring_of_submission((__u64)BPF_CORE_READ(req, ctx));

	if (!ring)
		return 0;
	add(&my_counters()->submitted[API_IO_URING], 1);
	struct record *record = new_record(RECORD_REJECT, ring, (__u64)req);
	if (!record)
		return 0;
	record->op = BPF_CORE_READ(sqe, opcode);
	record->flags = BPF_CORE_READ(sqe, flags) & SQE_FLAGS;
	record->user_data = BPF_CORE_READ(sqe, user_data);
	record->offset = BPF_CORE_READ(sqe, off);
	record->length = BPF_CORE_READ(sqe, len);
	record->value = BPF_CORE_READ(sqe, fd);
	send(record);
	return 0;
}

static __always_inline int completed(__u64 ctx, struct io_kiocb *req, __u64 user_data, __s32 res,
				     __u32 cqe_flags)
{
	__u32 ring = find_ring(ctx);

	/* zero-copy send says twice that it is done; the second only gives the buffer back */
	if (!ring || cqe_flags & CQE_NOTIF)
		return 0;
	__u32 flags = 0;
	if (req) {
		add(&my_counters()->completed[API_IO_URING], 1);
		flags = RECORD_HAS_REQUEST | file_of_request(req, ring);
	}
	struct record *record = new_record(RECORD_COMPLETE, ring, (__u64)req);
	if (!record)
		return 0;
	record->flags = flags;
	record->user_data = user_data;
	record->value = res;
	record->length = cqe_flags;
	send(record);
	return 0;
}

/* 6.17 and later */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_cqe, struct io_ring_ctx *uring, void *req, struct io_uring_cqe *cqe)
{
	return completed(number(uring), req, cqe->user_data, cqe->res, cqe->flags);
}

/* 5.18 to 6.16 */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_req, void *uring, void *req, __u64 user_data, int res, unsigned int cqe_flags)
{
	return completed((__u64)uring, req, user_data, res, cqe_flags);
}

/* 6.0 and later. Until 6.1 it comes after the completion and does not replace it: the loader knows. */
SEC("?tp_btf/io_uring_cqe_overflow")
int BPF_PROG(uring_overflow, void *uring, __u64 user_data, int res, __u32 cqe_flags)
{
	__u32 ring = find_ring((__u64)uring);

	if (!ring || cqe_flags & CQE_NOTIF)
		return 0;
	if (overflow_completes && !(cqe_flags & CQE_MORE))
		add(&my_counters()->completed[API_IO_URING], 1);
	struct record *record = new_record(RECORD_OVERFLOW, ring, 0);
	if (!record)
		return 0;
	record->user_data = user_data;
	record->value = res;
	record->length = cqe_flags;
	send(record);
	return 0;
}

static __always_inline int marked(struct io_kiocb *req, enum record_type type, __u64 user_data)
{
	__u32 ring = find_ring((__u64)BPF_CORE_READ(req, ctx));

	if (!ring)
		return 0;
	struct record *record = new_record(type, ring, (__u64)req);
	if (!record)
		return 0;
	record->user_data = user_data;
	send(record);
	return 0;
}

SEC("?tp_btf/io_uring_queue_async_work")
int BPF_PROG(uring_punt, struct io_kiocb *req)
{
	return marked(req, RECORD_PUNT, 0);
}

SEC("?tp_btf/io_uring_poll_arm")
int BPF_PROG(uring_poll_arm, struct io_kiocb *req)
{
	return marked(req, RECORD_POLL, 0);
}

SEC("?tp_btf/io_uring_link")
int BPF_PROG(uring_link, struct io_kiocb *req, struct io_kiocb *head)
{
	return marked(req, RECORD_LINK, (__u64)head);
}

SEC("?tp_btf/io_uring_fail_link")
int BPF_PROG(uring_fail_link, struct io_kiocb *req, struct io_kiocb *link)
{
	return marked(link, RECORD_LINK_FAILED, BPF_CORE_READ(link, cqe.user_data));
}

SEC("?tp_btf/io_uring_short_write")
int BPF_PROG(uring_short_write, void *uring, __u64 position, __u64 wanted, __u64 got)
{
	__u32 ring = find_ring((__u64)uring);

	if (!ring)
		return 0;
	struct record *record = new_record(RECORD_SHORT_WRITE, ring, 0);
	if (!record)
		return 0;
	record->offset = position;
	record->value = wanted - got;
	send(record);
	return 0;
}
