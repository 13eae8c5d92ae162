// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What is read of a request of io_uring, by what the tracepoint's argument and the running kernel allow. */
#ifndef RINGLIGHT_REQUEST_BPF_H
#define RINGLIGHT_REQUEST_BPF_H

#include "lane.bpf.h"
#include "opcodes.bpf.h"
#include "vector.bpf.h"

/*
 * A field of a kernel structure. The verifier knows what a typed pointer points to and lets it be read as it is, which
 * costs next to nothing; an untyped one goes through a helper.
 */
#define FIELD(typed, pointer, field) (typed ? pointer->field : BPF_CORE_READ(pointer, field))
/* A typed pointer to what `pointer` is known to point to. Kernels since 6.2 have it. */
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;
#define TYPED(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

/* Whether this one has it; set by the loader. */
const volatile bool can_cast = false;

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

/* Whether the request may complete several times. Of a timeout it can not be seen. */
static __always_inline bool is_multishot(struct io_kiocb *req, __u8 op, __u64 request_flags, enum reading reading)
{
	struct io_poll *poll = reading == CASTS ? TYPED(struct io_poll, req) : (void *)req;

	if (op == OP_POLL_ADD && bpf_core_field_exists(poll->events))
		return !(FIELD(reading == CASTS, poll, events) & EPOLLONESHOT);
	return (request_flags & multishot_flag) || op == OP_TIMEOUT;
}

/* Who submits the request, as bpf_get_current_pid_tgid(): to read it from the request costs less. */
static __always_inline __u64 submitter(struct io_kiocb *req, enum reading reading)
{
	struct task_struct *task;

	if (reading != UNTYPED && bpf_core_field_exists(req->task))
		task = req->task;
	else if (reading != UNTYPED && bpf_core_field_exists(req->tctx->task))
		task = req->tctx->task;
	else
		return bpf_get_current_pid_tgid();
	return (__u64)task->tgid << 32 | (__u32)task->pid;
}

#endif
