// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Processes that use POSIX AIO, and what their threads do for it. */
#ifndef RINGLIGHT_POSIX_AIO_BPF_H
#define RINGLIGHT_POSIX_AIO_BPF_H

#include "capture.bpf.h"

/* process id to the number that stands for its queue */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u32);
} posix_queues __weak SEC(".maps");

/* Operations, as the stream has them: they are also LIO_READ and LIO_WRITE. */
enum { POSIX_READ = 0, POSIX_WRITE, POSIX_SYNC };

#endif
