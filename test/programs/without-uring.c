// SPDX-License-Identifier: MIT
/* without-uring PROGRAM [ARGUMENTS…]: runs a program as in a container whose filter does not let it have io_uring. */
#include "seccomp.h"
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	answer(__NR_io_uring_setup, EPERM);
	execvp(argv[1], argv + 1);
	must(-1, argv[1]);
}
