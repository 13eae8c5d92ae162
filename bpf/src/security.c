// SPDX-License-Identifier: MIT
#include "security.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *security_why_not(const struct btf *btf, const char *name)
{
	const struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};
	static char why[96];
	char function[64], modules[256] = "bpf";

	snprintf(function, sizeof(function), "bpf_lsm_%s", name);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (id < 0)
		return "this kernel does not have the hook";
	FILE *file = fopen("/sys/kernel/security/lsm", "re");
	if (file && !fgets(modules, sizeof(modules), file))
		modules[0] = 0;
	if (file)
		fclose(file);
	if (!strstr(modules, "bpf"))
		return "BPF is not among the security modules (boot parameter lsm=)";
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC, .attach_btf_id = id);
	int program = bpf_prog_load(BPF_PROG_TYPE_LSM, "try", "Dual BSD/GPL", allow, 2, &options);
	if (program >= 0) {
		close(program);
		return NULL;
	}
	snprintf(why, sizeof(why), "the kernel refuses such programs: %s", strerror(errno));
	return why;
}
