// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Who is traced: children of traced processes join, processes that end leave. */
#include "again.bpf.h"
#include "capture.bpf.h"
#include "posix-aio.bpf.h"
#include "thread.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int forked(struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid;

	if (!trace_all && from != to && bpf_map_lookup_elem(&tracked, &from) && !bpf_map_lookup_elem(&tracked, &to))
		track(to);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return IS_SKIPPED ? 0 : forked(parent, child);
}

/* The second program, see again.bpf.h: a child that is traced already is left alone. */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(on_fork_again, struct task_struct *parent, struct task_struct *child)
{
	return forked(parent, child);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	if (!is_tracked(task->tgid))
		return 0;
	struct notice *notice = new_notice(NOTICE_EXEC);
	if (notice)
		bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid, tid = task->pid;

	bpf_map_delete_elem(&threads, &tid);
	/* the last thread, which need not be the first one */
	if (task->signal->live.counter != 0 || !is_tracked(tgid))
		return 0;
	bpf_map_delete_elem(&tracked, &tgid);
	bpf_map_delete_elem(&posix_queues, &tgid);
	struct notice *notice = new_notice(NOTICE_EXIT);
	if (notice)
		bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	return 0;
}
