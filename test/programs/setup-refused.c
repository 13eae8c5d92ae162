// SPDX-License-Identifier: MIT
/*
 * setup-refused: io_uring_setup and io_setup with arguments that make no sense, then behind a filter that answers both with
 * EPERM, and io_uring_setup with ENOSYS in a child that has another.
 */
#include "seccomp.h"
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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
