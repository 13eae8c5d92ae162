// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Second programs. Since Linux 7.0 a program on a tracepoint can be preempted, and while one is, the kernel skips it for
 * whatever else happens on that CPU. So the hooks that nothing may be missing from have two programs, one after the other: the
 * second does the work when the first was skipped. Where programs are not preempted it is not loaded.
 *
 * For system calls the thread's state says whether the first program was there. For io_uring it leaves a mark, which another
 * thread may have overwritten in between: then the second one tells the thing again, and the loader knows whether it had it.
 */
#ifndef RINGLIGHT_AGAIN_BPF_H
#define RINGLIGHT_AGAIN_BPF_H

#include "capture.bpf.h"

/* There are second programs. Set by the loader. */
const volatile bool doubled __weak = false;

enum turn { FIRST, SECOND };

/* For tests: now and then a first program is skipped, or its mark overwritten. */
#ifdef SKIPPING
#define IS_SKIPPED (bpf_get_prandom_u32() % 4 == 0)
#else
#define IS_SKIPPED false
#endif

/* A first program has done its work. */
static __always_inline void leave_mark(__u64 *mark, const void *event)
{
	if (doubled && !IS_SKIPPED)
		*(volatile __u64 *)mark = (__u64)event;
}

/* For the second one: whether it has, and nothing came in between. */
static __always_inline bool take_mark(__u64 *mark, const void *event)
{
	if (*(volatile __u64 *)mark != (__u64)event)
		return false;
	*(volatile __u64 *)mark = 0;
	return true;
}

#endif
