// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The few kernel structures we read, with only the fields we read. The compiler records each access and
 * libbpf relocates it to the running kernel's layout (CO-RE), so order and size mean nothing here.
 */
#ifndef RINGLIGHT_KERNEL_TYPES_H
#define RINGLIGHT_KERNEL_TYPES_H

#include <stdbool.h>
#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { int counter; } atomic_t;

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file_system_type {
	const char *name;
};

struct block_device {
	__u32 bd_dev;
};

struct super_block {
	struct file_system_type *s_type;
	struct block_device *s_bdev;
};

struct inode {
	__u16 i_mode;
	unsigned long i_ino;
	__u32 i_rdev;
	struct super_block *i_sb;
};

struct file {
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct signal_struct {
	atomic_t live;
};

struct seccomp {
	int mode;
};

struct pid {
	unsigned int level;
};

struct user_namespace {
	int level;
};

struct cred {
	struct user_namespace *user_ns;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *group_leader;
	struct files_struct *files;
	struct signal_struct *signal;
	unsigned int __state;
	struct io_uring_task *io_uring;
	struct seccomp seccomp;
	struct pid *thread_pid;
	const struct cred *cred;
};

struct io_uring_task {
	struct task_struct *task;
	struct file *registered_rings[16];
};

/* before 5.14 */
struct task_struct___state {
	long state;
};

struct kiocb {
	struct file *ki_filp;
	long long ki_pos;
	void *ki_complete;
};

struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
	__u32 len;
};

struct io_poll {
	__u32 events;
};

struct io_ev_fd;

struct io_sr_msg {
	int len;
	__u16 flags;
};

/* a queue's ends */
struct io_uring {
	__u32 head, tail;
};

struct io_rings {
	struct io_uring sq, cq;
	__u32 sq_ring_entries;
	__u32 cq_ring_entries;
};

struct io_uring_cmd {
	__u32 cmd_op;
};

struct io_uring_sqe;
struct io_ring_ctx {
	unsigned int flags;
	struct io_rings *rings;
	__u32 *sq_array;
	struct io_uring_sqe *sq_sqes;
	unsigned int cached_sq_head, sq_entries;
	struct io_ev_fd *io_ev_fd;
};

struct io_cqe {
	__u64 user_data;
	__s32 res;
	int fd;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	unsigned int flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_uring_task *tctx;
	struct task_struct *task;	/* until 6.12 */
};

/* before 5.19 */
struct io_kiocb___flat {
	__u64 user_data;
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

struct io_uring_sqe {
	__u8 opcode;
	__u8 flags;
	__s32 fd;
	__u64 off;
	__u64 addr;
	__u32 len;
	__u64 user_data;
};

struct io_event {
	__u64 data;
	__u64 obj;
	__s64 res;
};

struct aio_kiocb {
	struct kiocb rw;
	void *ki_ctx;
	struct io_event ki_res;
};

struct pt_regs {
#if defined(__TARGET_ARCH_x86)
	unsigned long di, si, dx, r10, r8, r9, ax, cs, orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	__u64 regs[31], pstate, orig_x0;
	int syscallno;
#endif
};

/* The kernel fills in the lower half of the number only. */
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long id;
	long ret;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
