// SPDX-License-Identifier: MIT
/*
 * setup-refused: io_uring_setup and io_setup with arguments that make no sense, then behind a filter that answers both with
 * EPERM, and io_uring_setup with ENOSYS in a child that has another.
 */
#include "support.h"
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void answer(int call, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

static void expect_error(long result, int error, const char *what)
{
	if (result != -1 || errno != error) {
		fprintf(stderr, "%s: %s\n", what, result == -1 ? strerror(errno) : "no error");
		exit(70);
	}
}

int main(void)
{
	struct io_uring_params params = { 0 };
	unsigned long context = 0;

	expect_error(syscall(__NR_io_uring_setup, 0, &params), EINVAL, "io_uring_setup");
	expect_error(syscall(__NR_io_setup, 0, &context), EINVAL, "io_setup");
	pid_t child = must(fork(), "fork");
	if (child == 0) {
		answer(__NR_io_uring_setup, ENOSYS);
		expect_error(syscall(__NR_io_uring_setup, 8, &params), ENOSYS, "io_uring_setup in the child");
		_exit(0);
	}
	int status;
	must(waitpid(child, &status, 0), "waitpid");
	answer(__NR_io_uring_setup, EPERM);
	answer(__NR_io_setup, EPERM);
	expect_error(syscall(__NR_io_uring_setup, 8, &params), EPERM, "io_uring_setup");
	expect_error(syscall(__NR_io_setup, 8, &context), EPERM, "io_setup");
	printf("{\"pid\":%d,\"child\":%d}\n", getpid(), child);
	return status != 0;
}
