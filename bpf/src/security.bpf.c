// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the kernel asks its security modules about io_uring, where BPF may be one of them: commands that are passed through
 * to drivers, rings with a thread of the kernel, requests under other credentials. Nothing is decided here.
 */
#include "capture.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Values of the stream's Security instants. */
enum { SECURITY_COMMAND = 1, SECURITY_SQPOLL, SECURITY_CREDENTIALS };

/* Gives what the programs before this one had decided. */
static __always_inline int asked(int question, int decided)
{
	struct record *record = is_tracked(bpf_get_current_pid_tgid() >> 32) ? new_record(RECORD_SECURITY, 0, 0) : 0;

	if (record) {
		record->value = question;
		send(record);
	}
	return decided;
}

SEC("?lsm/uring_cmd")
int BPF_PROG(security_command, void *command, int decided)
{
	return asked(SECURITY_COMMAND, decided);
}

SEC("?lsm/uring_sqpoll")
int BPF_PROG(security_sqpoll, int decided)
{
	return asked(SECURITY_SQPOLL, decided);
}

SEC("?lsm/uring_override_creds")
int BPF_PROG(security_credentials, void *credentials, int decided)
{
	return asked(SECURITY_CREDENTIALS, decided);
}
