// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * io_uring, through its tracepoints. Their arguments change between kernels: where they do there is one
 * program for each variant, and the loader loads the one that fits the running kernel's prototype.
 *
 * Submissions are filtered by the submitting process; everything after is filtered by the ring, because
 * completions run in worker threads, in interrupts, or in whoever happens to be on the CPU.
 */
#include "aggregate.bpf.h"
#include "file.bpf.h"
#include "stack.bpf.h"
#include "opcodes.bpf.h"
#include "rings.bpf.h"
#include "vector.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CQE_NOTIF (1U << 3)

SEC("tp_btf/io_uring_create")
int BPF_PROG(uring_create, int fd, struct io_ring_ctx *uring, __u32 sq, __u32 cq, __u32 flags)
{
	__u64 key = number(uring);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (is_tracked(tgid))
		new_ring(key, fd, tgid, sq, cq, flags, false);
	else
		forget_ring(key);
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
 * A field of a kernel structure. The verifier knows what a typed pointer points to and lets it be read as it is, which
 * costs next to nothing; an untyped one goes through a helper.
 */
#define FIELD(typed, pointer, field) (typed ? pointer->field : BPF_CORE_READ(pointer, field))
/* A typed pointer to what `pointer` is known to point to. Kernels since 6.2 have it. */
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;
#define TYPED(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

/* What the tracepoint's argument and the running kernel allow. */
enum reading { UNTYPED, TYPED_ARGUMENT, CASTS };

/* Descriptor, offset and length of a request that is being submitted. */
static __always_inline void describe(struct told *told, struct io_kiocb *req, __u8 op, enum reading reading)
{
	__u64 kind = op < 64 ? BIT(op) : 0;

	told->value = -1;
	told->offset = -1;
	if (bpf_core_field_exists(req->cqe) && !(kind & WITHOUT_FILE))
		told->value = FIELD(reading, req, cqe.fd);
	/* a request starts with the part that belongs to its opcode */
	if (kind & READ_WRITE) {
		struct io_rw *rw = reading == CASTS ? TYPED(struct io_rw, req) : (void *)req;
		told->offset = FIELD(reading == CASTS, rw, kiocb.ki_pos);
		told->length = FIELD(reading == CASTS, rw, len);
		if (kind & VECTORED)
			told->length = vector_bytes((void *)FIELD(reading == CASTS, rw, addr), told->length);
	} else if (kind & SEND_RECEIVE) {
		struct io_sr_msg *message = reading == CASTS ? TYPED(struct io_sr_msg, req) : (void *)req;
		told->length = FIELD(reading == CASTS, message, len);
		if (kind & ZERO_COPY && bpf_core_field_exists(message->flags) &&
		    FIELD(reading == CASTS, message, flags) & RECVSEND_FIXED_BUF)
			told->flags |= RECORD_FIXED_BUFFER;
	} else if (op == OP_URING_CMD) {
		struct io_uring_cmd *command = reading == CASTS ? TYPED(struct io_uring_cmd, req) : (void *)req;
		told->offset = FIELD(reading == CASTS, command, cmd_op);
	}
	if (kind & FIXED_BUFFER)
		told->flags |= RECORD_FIXED_BUFFER;
}

/* Not every operation is told: whether this one is. */
static __always_inline bool aggregate_submission(struct io_kiocb *req, __u32 one_in, __u64 now, __u32 ring, struct told *told,
						 __u64 request_flags)
{
	struct kernel_flight flight = { .key = number(req), .time = now, .user_data = told->user_data, .ring = ring,
					.op = told->op, .sampled = is_sampled(one_in),
					.multishot = (request_flags & multishot_flag) || told->op == OP_TIMEOUT,
					.quiet = !!(told->flags & RECORD_CQE_SKIP) };

	add(&my_counters()->submitted[API_IO_URING], !flight.sampled);
	if (flight.multishot) {
		__u64 shot = shot_key(ring, told->user_data);
		__u8 op = told->op | (flight.sampled ? SHOT_SAMPLED : 0);
		bpf_map_update_elem(&shots, &shot, &op, BPF_ANY);
	}
	flight_begin(flight.key, &flight);
	return flight.sampled;
}

static __always_inline void tell_stack_in_lane(void *ctx, __u64 key, __u32 ring, __u64 now)
{
	struct told told = { .user_data = sampled_stack(ctx) };
	struct record *place = told.user_data ? lane_place(RECORD_STACK) : 0;

	if (place)
		tell(place, RECORD_STACK, now, ring, key, &told);
}

static __always_inline int submitted(void *ctx, struct io_kiocb *req, enum reading reading)
{
	__u32 ring = ring_of_submission(number(FIELD(reading, req, ctx)));
	__u32 one_in = every;

	if (!ring)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u64 flags = FIELD(reading, req, flags);
	struct told told = { .op = FIELD(reading, req, opcode), .flags = flags & SQE_FLAGS };
	if (bpf_core_field_exists(req->cqe)) {
		told.user_data = FIELD(reading, req, cqe.user_data);
	} else {
		struct io_kiocb___flat *flat = (void *)req;
		told.user_data = BPF_CORE_READ(flat, user_data);
	}
	count_ring(ring, 1, 0);
	if (one_in != 1) {
		if (!aggregate_submission(req, one_in, now, ring, &told, flags))
			return 0;
		told.flags |= RECORD_SAMPLED;
	}
	describe(&told, req, told.op, reading);
	tell_stack_in_lane(ctx, (__u64)req, ring, now);
	struct record *place = lane_place(RECORD_SUBMIT);
	if (place)
		tell(place, RECORD_SUBMIT, now, ring, (__u64)req, &told);
	return 0;
}

/* 6.4 and later */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_req, struct io_kiocb *req)
{
	return submitted(ctx, req, CASTS);
}

/* 6.0 to 6.3 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_req, struct io_kiocb *req)
{
	return submitted(ctx, req, TYPED_ARGUMENT);
}

/* 5.18 and 5.19 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_ctx, void *uring, void *req)
{
	return submitted(ctx, req, UNTYPED);
}

/* A malformed sqe never becomes a request that is submitted, but it is completed. */
SEC("?tp_btf/io_uring_req_failed")
int BPF_PROG(uring_req_failed, const struct io_uring_sqe *sqe, struct io_kiocb *req)
{
	__u32 ring = ring_of_submission(number(req->ctx));
	__u32 one_in = every;

	if (!ring)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct told told = {
		.op = sqe->opcode, .flags = sqe->flags & SQE_FLAGS, .user_data = sqe->user_data, .offset = sqe->off,
		.length = sqe->len, .value = sqe->fd,
	};
	count_ring(ring, 1, 0);
	if (one_in != 1) {
		if (!aggregate_submission(req, one_in, now, ring, &told, 0))
			return 0;
		told.flags |= RECORD_SAMPLED;
	}
	struct record *place = lane_place(RECORD_REJECT);
	if (place)
		tell(place, RECORD_REJECT, now, ring, (__u64)req, &told);
	return 0;
}

/* RECORD_DIRECT when the request's file was opened with O_DIRECT, else 0. Tells which file it is. */
static __always_inline __u32 file_of_request(struct io_kiocb *req, __u32 ring, __u64 now, enum reading reading)
{
	bool casts = reading == CASTS;
	struct file *file = FIELD(casts, req, file);

	if (!file)
		return 0;
	__u64 address = number(file);
	if (is_news(address, number(FIELD(casts, file, f_inode)), ring, -1, 0))
		tell_path(address, ring, number(req), -1, now);
	return FIELD(casts, file, f_flags) & O_DIRECT ? RECORD_DIRECT : 0;
}

static __always_inline int completed(__u64 ctx, struct io_kiocb *req, __u64 user_data, __s32 res, __u32 cqe_flags,
				     bool signals, enum reading reading)
{
	__u32 ring = find_ring(ctx);

	if (!ring)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct told told = { .user_data = user_data, .value = res, .length = cqe_flags };
	/* zero-copy send says twice that it is done; the second only gives the buffer back */
	bool notification = cqe_flags & CQE_NOTIF;
	count_ring(ring, 0, req && !notification);
	if (every != 1) {
		if (notification || !aggregate_completion(number(req), now, ring, user_data, res)) {
			add(&my_counters()->completed[API_IO_URING], req && !notification);
			return 0;
		}
	}
	if (req && !notification)
		told.flags = RECORD_HAS_REQUEST | file_of_request(req, ring, now, reading);
	if (signals)
		told.flags |= RECORD_SIGNALS;
	struct record *place = lane_place(RECORD_COMPLETE);
	if (place)
		tell(place, RECORD_COMPLETE, now, ring, (__u64)req, &told);
	return 0;
}

/* 6.17 and later */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_cqe, struct io_ring_ctx *uring, void *req, struct io_uring_cqe *cqe)
{
	bool signals = bpf_core_field_exists(uring->io_ev_fd) && uring->io_ev_fd;

	return completed(number(uring), req ? TYPED(struct io_kiocb, req) : 0, cqe->user_data, cqe->res, cqe->flags, signals,
			 CASTS);
}

/* 5.18 to 6.16 */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_req, struct io_ring_ctx *uring, void *req, __u64 user_data, int res, unsigned int cqe_flags)
{
	bool signals = bpf_core_field_exists(uring->io_ev_fd) && BPF_CORE_READ(uring, io_ev_fd);

	return completed((__u64)uring, req, user_data, res, cqe_flags, signals, UNTYPED);
}

/* 6.0 and later. Until 6.1 it comes after the completion and does not replace it: the loader knows. */
SEC("?tp_btf/io_uring_cqe_overflow")
int BPF_PROG(uring_overflow, void *uring, __u64 user_data, int res, __u32 cqe_flags)
{
	__u32 ring = find_ring((__u64)uring);

	if (!ring || cqe_flags & CQE_NOTIF)
		return 0;
	struct told told = { .user_data = user_data, .value = res, .length = cqe_flags };
	count_ring(ring, 0, overflow_completes && !(cqe_flags & CQE_MORE));
	struct record *place = lane_place(RECORD_OVERFLOW);
	if (place)
		tell(place, RECORD_OVERFLOW, bpf_ktime_get_ns(), ring, 0, &told);
	return 0;
}

/* Whether what happens to this request is told; `*flight` is its operation if it is in the table. */
static __always_inline bool is_told(__u64 key, struct kernel_flight **flight)
{
	*flight = every == 1 ? 0 : flight_of(key);
	return !*flight || (*flight)->sampled;
}

static __always_inline int marked(struct io_kiocb *req, enum record_type type, __u64 user_data)
{
	__u32 ring = find_ring(number(req->ctx));
	struct kernel_flight *flight;

	if (!ring)
		return 0;
	struct told told = { .user_data = user_data };
	bool wanted = is_told(number(req), &flight);
	if (flight && type == RECORD_PUNT)
		flight->punted = 1;
	struct record *place = wanted ? lane_place(type) : 0;
	if (place)
		tell(place, type, bpf_ktime_get_ns(), ring, (__u64)req, &told);
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
	return marked(req, RECORD_LINK, number(head));
}

SEC("?tp_btf/io_uring_fail_link")
int BPF_PROG(uring_fail_link, struct io_kiocb *req, struct io_kiocb *link)
{
	return marked(link, RECORD_LINK_FAILED, link->cqe.user_data);
}

SEC("?tp_btf/io_uring_short_write")
int BPF_PROG(uring_short_write, void *uring, __u64 position, __u64 wanted, __u64 got)
{
	__u32 ring = find_ring((__u64)uring);

	if (!ring)
		return 0;
	struct told told = { .offset = position, .value = wanted - got };
	struct record *place = lane_place(RECORD_SHORT_WRITE);
	if (place)
		tell(place, RECORD_SHORT_WRITE, bpf_ktime_get_ns(), ring, 0, &told);
	return 0;
}

SEC("?tp_btf/io_uring_register")
int BPF_PROG(uring_register, void *uring, unsigned int opcode, unsigned int files, unsigned int buffers, long ret)
{
	__u32 ring = find_ring((__u64)uring);

	if (!ring)
		return 0;
	struct told told = { .value = opcode, .offset = ret };
	struct record *place = lane_place(RECORD_REGISTER);
	if (place)
		tell(place, RECORD_REGISTER, bpf_ktime_get_ns(), ring, 0, &told);
	return 0;
}
