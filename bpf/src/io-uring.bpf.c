// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * io_uring, through its tracepoints. Their arguments change between kernels: where they do there is one
 * program for each variant, and the loader loads the one that fits the running kernel's prototype.
 *
 * Submissions are filtered by the submitting process; everything after is filtered by the ring, because
 * completions run in worker threads, in interrupts, or in whoever happens to be on the CPU.
 */
#include "again.bpf.h"
#include "aggregate.bpf.h"
#include "file.bpf.h"
#include "stack.bpf.h"
#include "request.bpf.h"
#include "rings.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CQE_NOTIF (1U << 3)

SEC("tp_btf/io_uring_create")
int BPF_PROG(uring_create, int fd, struct io_ring_ctx *uring, __u32 sq, __u32 cq, __u32 flags)
{
	__u64 key = number(my_seen(), uring);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	add(&rings_made, 1);
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

/* Not every operation is told: whether this one is, and with which of its record's flags. */
static __always_inline bool aggregate_submission(__u32 cpu, struct io_kiocb *req, __u32 one_in, __u64 now, __u32 ring,
						 struct told *told, bool multishot, enum turn turn)
{
	struct kernel_flight *known = turn == SECOND ? flight_of(number(&seen[cpu], req)) : 0;

	/* the first program was there */
	if (known && known->user_data == told->user_data && known->op == told->op)
		return false;
	struct kernel_flight flight = { .key = number(&seen[cpu], req), .time = now, .user_data = told->user_data, .ring = ring,
					.op = told->op, .sampled = is_sampled(&lanes[cpu], one_in), .multishot = multishot,
					.quiet = !!(told->flags & RECORD_CQE_SKIP) };

	if (!keep(&flight))
		return true;
	add(&counters[cpu].submitted[API_IO_URING], !flight.sampled);
	told->flags |= flight.sampled ? RECORD_SAMPLED : 0;
	return flight.sampled;
}

static __always_inline void tell_stack_in_lane(void *ctx, __u32 cpu, __u64 ids, __u64 key, __u32 ring, __u64 now)
{
	struct told told = { .ids = ids, .user_data = sampled_stack(ctx) };
	struct record *place = told.user_data ? lane_place(cpu, RECORD_STACK) : 0;

	if (place)
		tell(place, RECORD_STACK, now, ring, key, &told);
}

static __always_inline int submitted(void *ctx, struct io_kiocb *req, enum reading reading, enum turn turn)
{
	__u32 cpu = this_cpu(), one_in = every;
	__u32 ring = ring_of_submission(&seen[cpu], number(&seen[cpu], FIELD(reading, req, ctx)));

	if (!ring)
		return 0;
	lanes[cpu].batch_left = 0;
	__u64 now = bpf_ktime_get_ns();
	__u64 flags = FIELD(reading, req, flags);
	struct told told = { .ids = submitter(req, reading), .op = FIELD(reading, req, opcode), .flags = flags & SQE_FLAGS };
	if (bpf_core_field_exists(req->cqe)) {
		told.user_data = FIELD(reading, req, cqe.user_data);
	} else {
		struct io_kiocb___flat *flat = (void *)req;
		told.user_data = BPF_CORE_READ(flat, user_data);
	}
	count_ring(ring, 1, 0);
	if (one_in != 1 && !aggregate_submission(cpu, req, one_in, now, ring, &told, is_multishot(req, told.op, flags, reading), turn))
		return 0;
	describe(&told, req, told.op, reading);
	tell_stack_in_lane(ctx, cpu, told.ids, (__u64)req, ring, now);
	enum record_type type = turn == SECOND ? RECORD_SUBMIT_AGAIN : RECORD_SUBMIT;
	struct record *place = lane_place(cpu, type);
	if (place)
		tell(place, type, now, ring, (__u64)req, &told);
	return 0;
}

/* 6.4 and later */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_req, struct io_kiocb *req)
{
	if (IS_SKIPPED)
		return 0;
	submitted(ctx, req, CASTS, FIRST);
	leave_mark(&my_seen()->submitted, req);
	return 0;
}

SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_req_again, struct io_kiocb *req)
{
	return take_mark(&my_seen()->submitted, req) ? 0 : submitted(ctx, req, CASTS, SECOND);
}

/* 6.0 to 6.3 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_req, struct io_kiocb *req)
{
	return submitted(ctx, req, TYPED_ARGUMENT, FIRST);
}

/* 5.18 and 5.19 */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe_ctx, void *uring, void *req)
{
	return submitted(ctx, req, UNTYPED, FIRST);
}

/* A malformed sqe never becomes a request that is submitted, but it is completed. */
SEC("?tp_btf/io_uring_req_failed")
int BPF_PROG(uring_req_failed, const struct io_uring_sqe *sqe, struct io_kiocb *req)
{
	__u32 cpu = this_cpu(), one_in = every;
	__u32 ring = ring_of_submission(&seen[cpu], number(&seen[cpu], req->ctx));

	if (!ring)
		return 0;
	lanes[cpu].batch_left = 0;
	__u64 now = bpf_ktime_get_ns();
	struct told told = {
		.ids = bpf_get_current_pid_tgid(), .op = sqe->opcode, .flags = sqe->flags & SQE_FLAGS,
		.user_data = sqe->user_data, .offset = sqe->off, .length = sqe->len, .value = sqe->fd,
	};
	count_ring(ring, 1, 0);
	if (one_in != 1 && !aggregate_submission(cpu, req, one_in, now, ring, &told, false, FIRST))
		return 0;
	struct record *place = lane_place(cpu, RECORD_REJECT);
	if (place)
		tell(place, RECORD_REJECT, now, ring, (__u64)req, &told);
	return 0;
}

/* RECORD_DIRECT when the request's file was opened with O_DIRECT, else 0. Tells which file it is. */
static __always_inline __u32 file_of_request(__u32 cpu, struct io_kiocb *req, __u32 ring, __u64 now, enum reading reading)
{
	bool casts = reading == CASTS;
	struct file *file = FIELD(casts, req, file);

	if (!file)
		return 0;
	__u64 address = number(&seen[cpu], file);
	if (is_news(address, number(&seen[cpu], FIELD(casts, file, f_inode)), ring, -1, 0))
		tell_path(address, ring, number(&seen[cpu], req), -1, now);
	return FIELD(casts, file, f_flags) & O_DIRECT ? RECORD_DIRECT : 0;
}

/* Most completions that have one time: to write so many entries takes the kernel a microsecond or two. */
#define BATCH 16

/*
 * When the completion of a request is written. Those of a batch are shown to the program together, when the kernel moves the
 * completion queue's tail on; until then they have the time of the first, because to read the clock costs more than all the
 * rest of a record. `uring` is a typed pointer.
 */
static __always_inline __u64 time_of_completion(struct lane *lane, __u32 ring, struct io_ring_ctx *uring)
{
	__u64 batch = uring->rings->cq.tail | (__u64)(__u16)rings_made << 32 | (__u64)ring << 48;

	if (lane->batch_left && lane->batch == batch) {
		lane->batch_left--;
		return lane->batch_time;
	}
	lane->batch_left = 0;
	lane->batch = batch;
	lane->batch_time = bpf_ktime_get_ns();
	lane->batch_left = BATCH - 1;
	return lane->batch_time;
}

static __always_inline int completed(struct io_ring_ctx *uring, struct io_kiocb *req, __u64 user_data, __s32 res,
				     __u32 cqe_flags, enum reading reading, enum turn turn)
{
	__u32 cpu = this_cpu();
	__u32 ring = find_ring(&seen[cpu], reading == CASTS ? number(&seen[cpu], uring) : (__u64)uring);

	if (!ring)
		return 0;
	/* zero-copy send says twice that it is done; the second only gives the buffer back */
	bool ends = req && !(cqe_flags & CQE_NOTIF);
	__u64 now = reading == CASTS && ends ? time_of_completion(&lanes[cpu], ring, uring) : bpf_ktime_get_ns();
	struct told told = { .user_data = user_data, .value = res, .length = cqe_flags };
	count_ring(ring, 0, ends);
	if (every != 1) {
		if (cqe_flags & CQE_NOTIF || !aggregate_completion(number(&seen[cpu], req), now, ring, user_data, res)) {
			add(&counters[cpu].completed[API_IO_URING], ends);
			return 0;
		}
	}
	if (ends)
		told.flags = RECORD_HAS_REQUEST | file_of_request(cpu, req, ring, now, reading);
	else
		told.ids = bpf_get_current_pid_tgid();
	if (bpf_core_field_exists(uring->io_ev_fd) && FIELD(reading == CASTS, uring, io_ev_fd))
		told.flags |= RECORD_SIGNALS;
	enum record_type type = turn == SECOND ? RECORD_COMPLETE_AGAIN : RECORD_COMPLETE;
	struct record *place = lane_place(cpu, type);
	if (place)
		tell(place, type, now, ring, (__u64)req, &told);
	return 0;
}

/* 6.17 and later */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_cqe, struct io_ring_ctx *uring, void *req, struct io_uring_cqe *cqe)
{
	if (IS_SKIPPED)
		return 0;
	completed(uring, req ? TYPED(struct io_kiocb, req) : 0, cqe->user_data, cqe->res, cqe->flags, CASTS, FIRST);
	leave_mark(&my_seen()->completed, cqe);
	return 0;
}

SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_cqe_again, struct io_ring_ctx *uring, void *req, struct io_uring_cqe *cqe)
{
	if (take_mark(&my_seen()->completed, cqe))
		return 0;
	return completed(uring, req ? TYPED(struct io_kiocb, req) : 0, cqe->user_data, cqe->res, cqe->flags, CASTS, SECOND);
}

/* 5.18 to 6.16 */
SEC("?tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_req, void *uring, void *req, __u64 user_data, int res, unsigned int cqe_flags)
{
	if (can_cast)
		return completed(TYPED(struct io_ring_ctx, uring), req ? TYPED(struct io_kiocb, req) : 0, user_data, res,
				 cqe_flags, CASTS, FIRST);
	return completed(uring, req, user_data, res, cqe_flags, UNTYPED, FIRST);
}

/* 6.0 and later. Until 6.1 it comes after the completion and does not replace it: the loader knows. */
SEC("?tp_btf/io_uring_cqe_overflow")
int BPF_PROG(uring_overflow, void *uring, __u64 user_data, int res, __u32 cqe_flags)
{
	__u32 cpu = this_cpu(), ring = find_ring(&seen[cpu], (__u64)uring);

	if (!ring || cqe_flags & CQE_NOTIF)
		return 0;
	struct told told = {
		.ids = bpf_get_current_pid_tgid(), .user_data = user_data, .value = res, .length = cqe_flags,
	};
	count_ring(ring, 0, overflow_completes && !(cqe_flags & CQE_MORE));
	struct record *place = lane_place(cpu, RECORD_OVERFLOW);
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
	__u32 cpu = this_cpu(), ring = find_ring(&seen[cpu], number(&seen[cpu], req->ctx));
	struct kernel_flight *flight;

	if (!ring)
		return 0;
	struct told told = { .ids = type == RECORD_LINK_FAILED ? bpf_get_current_pid_tgid() : 0, .user_data = user_data };
	bool wanted = is_told(number(&seen[cpu], req), &flight);
	if (flight && type == RECORD_PUNT)
		flight->punted = 1;
	struct record *place = wanted ? lane_place(cpu, type) : 0;
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
	return marked(req, RECORD_LINK, number(my_seen(), head));
}

SEC("?tp_btf/io_uring_fail_link")
int BPF_PROG(uring_fail_link, struct io_kiocb *req, struct io_kiocb *link)
{
	return marked(link, RECORD_LINK_FAILED, link->cqe.user_data);
}

SEC("?tp_btf/io_uring_short_write")
int BPF_PROG(uring_short_write, void *uring, __u64 position, __u64 wanted, __u64 got)
{
	__u32 cpu = this_cpu(), ring = find_ring(&seen[cpu], (__u64)uring);

	if (!ring)
		return 0;
	struct told told = { .ids = bpf_get_current_pid_tgid(), .offset = position, .value = wanted - got };
	struct record *place = lane_place(cpu, RECORD_SHORT_WRITE);
	if (place)
		tell(place, RECORD_SHORT_WRITE, bpf_ktime_get_ns(), ring, 0, &told);
	return 0;
}

SEC("?tp_btf/io_uring_register")
int BPF_PROG(uring_register, void *uring, unsigned int opcode, unsigned int files, unsigned int buffers, long ret)
{
	__u32 cpu = this_cpu(), ring = find_ring(&seen[cpu], (__u64)uring);

	if (!ring)
		return 0;
	struct told told = { .ids = bpf_get_current_pid_tgid(), .value = opcode, .offset = ret };
	struct record *place = lane_place(cpu, RECORD_REGISTER);
	if (place)
		tell(place, RECORD_REGISTER, bpf_ktime_get_ns(), ring, 0, &told);
	return 0;
}
