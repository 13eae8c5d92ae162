// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Tells that a process asked for an API and did not get it, with what the loader needs to say why. */
#ifndef RINGLIGHT_REFUSED_BPF_H
#define RINGLIGHT_REFUSED_BPF_H

#include "capture.bpf.h"

/* `entered`: the kernel saw the call begin; a filter answers before that. */
static __always_inline void tell_refused(enum refused_call call, long ret, bool entered)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct notice *notice;

	if (ret >= 0 || !is_tracked(bpf_get_current_pid_tgid() >> 32) || !(notice = new_notice(NOTICE_REFUSED)))
		return;
	notice->api = call;
	notice->sq = -ret;
	notice->cq = BPF_CORE_READ(task, seccomp.mode);
	notice->flags = (entered ? REFUSED_ENTERED : 0) |
			(BPF_CORE_READ(task, thread_pid, level) || BPF_CORE_READ(task, cred, user_ns, level) ? REFUSED_CONTAINER : 0);
	bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
}

#endif
