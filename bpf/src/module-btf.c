// SPDX-License-Identifier: MIT
/*
 * Keeps libbpf from asking for the BTF of the kernel's modules. We need none, and libbpf 1.1 gives up the whole load when it
 * lacks a kernel function and may not ask (without CAP_SYS_ADMIN), even where the function is optional. The linker puts this
 * in the place of libbpf's own (see the Makefile).
 */
#include <errno.h>
#include <linux/types.h>

int __wrap_bpf_btf_get_next_id(__u32 start_id, __u32 *next_id);

int __wrap_bpf_btf_get_next_id(__u32 start_id, __u32 *next_id)
{
	/* there are no more */
	*next_id = start_id;
	errno = ENOENT;
	return -ENOENT;
}
