// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Operations of io_uring by what their sqe holds. */
#ifndef RINGLIGHT_OPCODES_BPF_H
#define RINGLIGHT_OPCODES_BPF_H

#define SQE_FLAGS 0x7f

/* IORING_OP_* by number */
enum { OP_READV = 1, OP_WRITEV = 2, OP_READ_FIXED = 4, OP_WRITE_FIXED = 5, OP_POLL_ADD = 6, OP_READ = 22, OP_WRITE = 23,
       OP_SEND = 26, OP_RECV = 27, OP_URING_CMD = 46, OP_SEND_ZC = 47, OP_READ_MULTISHOT = 49, OP_SENDMSG_ZC = 48, OP_READV_FIXED = 60,
       OP_WRITEV_FIXED = 61 };
#define BIT(n) (1ULL << (n))
#define VECTORED (BIT(OP_READV) | BIT(OP_WRITEV) | BIT(OP_READV_FIXED) | BIT(OP_WRITEV_FIXED))
#define READ_WRITE (VECTORED | BIT(OP_READ_FIXED) | BIT(OP_WRITE_FIXED) | BIT(OP_READ) | BIT(OP_WRITE) | \
		    BIT(OP_READ_MULTISHOT))
#define SEND_RECEIVE (BIT(OP_SEND) | BIT(OP_RECV) | BIT(OP_SEND_ZC))
#define ZERO_COPY (BIT(OP_SEND_ZC) | BIT(OP_SENDMSG_ZC))
#define RECVSEND_FIXED_BUF (1U << 2)
/* of a poll that completes once */
#define EPOLLONESHOT (1U << 30)
#define FIXED_BUFFER (BIT(OP_READ_FIXED) | BIT(OP_WRITE_FIXED) | BIT(OP_READV_FIXED) | BIT(OP_WRITEV_FIXED))
/* opcodes that act on the sqe's descriptor; for the others the request's fd field holds an older request's */
#define WITHOUT_FILE (BIT(0) | BIT(7) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | \
		      BIT(25) | BIT(28) | BIT(29) | BIT(31) | BIT(32) | BIT(35) | BIT(36) | BIT(37) | BIT(38) | \
		      BIT(39) | BIT(42) | BIT(44) | BIT(45) | BIT(50) | BIT(51) | BIT(52) | BIT(53) | BIT(62) | \
		      BIT(63))

#endif
