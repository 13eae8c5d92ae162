// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What file a request works on, told once for each file of a ring while it is in use. */
#ifndef RINGLIGHT_FILE_BPF_H
#define RINGLIGHT_FILE_BPF_H

#include "arch.h"
#include "capture.bpf.h"

#define DEPTH 24
#define S_IFMT 0170000
#define S_IFBLK 0060000

/* Files told lately, by a hash of ring and file: a stale or lost entry only means to tell twice. */
#define TOLD 1024
static __u64 told[TOLD];

/* Writes the path of `file` as the whole system sees it; leaves none when it is too long or too deep. */
static __always_inline void write_path(struct file_notice *notice, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	__u32 at = FILE_PATH_BYTES;

	for (int depth = 0; depth < DEPTH; depth++) {
		struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount) {
				notice->start = at;
				return;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		/* an anonymous file is in no directory */
		if (dentry == parent && depth > 0)
			return;
		__u32 size = BPF_CORE_READ(dentry, d_name.len);
		if (size >= FILE_NAME_BYTES || at < size + 1)
			return;
		at -= size + 1;
		at &= FILE_PATH_BYTES - 1;
		notice->path[at] = '/';
		if (bpf_probe_read_kernel(notice->path + at + 1, size, BPF_CORE_READ(dentry, d_name.name)))
			return;
		if (dentry == parent) {
			notice->start = at;
			return;
		}
		dentry = parent;
	}
}

/* Whether the file, given by its address and its inode's, was not told for this ring, descriptor and process lately. */
static __always_inline bool is_news(__u64 file, __u64 inode, __u32 ring, int fd, __u32 pid)
{
	__u64 id = file ^ (__u64)ring << 48 ^ (__u64)(__u32)fd << 20 ^ pid;
	__u32 place = (id * 0x9e3779b97f4a7c15ULL) >> 54 & (TOLD - 1);

	if (told[place] == id + inode)
		return false;
	told[place] = id + inode;
	return true;
}

/*
 * Tells the loader which file is at the address `file`, behind `fd` or, when that is negative, behind the request `key`.
 * `now` is not after the record that needs it. Not inline: it is long, and seldom called.
 */
__weak __noinline int tell_path(__u64 address, __u32 ring, __u64 key, int fd, __u64 now)
{
	struct file *file = (struct file *)address;
	struct file_notice *notice = bpf_ringbuf_reserve(&notices, sizeof(*notice), 0);

	if (!notice) {
		add(&my_counters()->lost_notices, 1);
		return 0;
	}
	__builtin_memset(&notice->head, 0, sizeof(notice->head));
	notice->head.time = now;
	notice->head.key = key;
	notice->head.kind = NOTICE_FILE;
	notice->head.pid = bpf_get_current_pid_tgid() >> 32;
	notice->head.fd = fd;
	notice->head.ring = ring;
	notice->head.flags = BPF_CORE_READ(file, f_flags);
	notice->inode = BPF_CORE_READ(file, f_inode, i_ino);
	notice->mode = BPF_CORE_READ(file, f_inode, i_mode);
	struct block_device *device = BPF_CORE_READ(file, f_inode, i_sb, s_bdev);
	notice->device = (notice->mode & S_IFMT) == S_IFBLK ? BPF_CORE_READ(file, f_inode, i_rdev) :
			 device ? BPF_CORE_READ(device, bd_dev) : 0;
	notice->fs[0] = 0;
	bpf_probe_read_kernel_str(notice->fs, sizeof(notice->fs), BPF_CORE_READ(file, f_inode, i_sb, s_type, name));
	notice->start = FILE_PATH_BYTES;
	notice->path[FILE_PATH_BYTES] = 0;
	write_path(notice, file);
	bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	return 0;
}

/* As tell_path, unless it was told lately. RECORD_DIRECT when the file was opened with O_DIRECT, else 0. */
static __always_inline __u32 tell_file(struct file *file, __u32 ring, __u64 key, int fd)
{
	if (is_news((__u64)file, (__u64)BPF_CORE_READ(file, f_inode), ring, fd, bpf_get_current_pid_tgid() >> 32))
		tell_path((__u64)file, ring, key, fd, bpf_ktime_get_ns());
	return BPF_CORE_READ(file, f_flags) & O_DIRECT ? RECORD_DIRECT : 0;
}

/* The file behind a descriptor of `task`, or null. */
static __always_inline struct file *file_of_descriptor(struct task_struct *task, __u32 fd)
{
	struct fdtable *all = BPF_CORE_READ(task, files, fdt);
	struct file **table, *file = 0;

	if (fd >= BPF_CORE_READ(all, max_fds))
		return 0;
	table = BPF_CORE_READ(all, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), table + fd))
		return 0;
	return file;
}

#endif
