// SPDX-License-Identifier: MIT
/*
 * with-capabilities NAME,… COMMAND…: runs it as user and group 1000 with these capabilities and no other.
 */
#include "support.h"
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const struct { const char *name; int number; } KNOWN[] = {
	{ "bpf", CAP_BPF }, { "perfmon", CAP_PERFMON }, { "dac_read_search", CAP_DAC_READ_SEARCH }, { "sys_resource", CAP_SYS_RESOURCE },
};

static int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++)
		if (strcmp(KNOWN[i].name, name) == 0)
			return KNOWN[i].number;
	fprintf(stderr, "unknown capability: %s\n", name);
	exit(64);
}

int main(int argc, char **argv)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };
	int wanted[8], count = 0;

	if (argc < 3)
		return 64;
	for (char *name = strtok(argv[1], ","); name && count < 8; name = strtok(NULL, ","))
		wanted[count++] = number_of(name);
	must(prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	must(setresgid(1000, 1000, 1000), "setresgid");
	must(setresuid(1000, 1000, 1000), "setresuid");
	for (int i = 0; i < count; i++) {
		struct __user_cap_data_struct *set = &sets[CAP_TO_INDEX(wanted[i])];
		set->effective |= CAP_TO_MASK(wanted[i]);
		set->permitted |= CAP_TO_MASK(wanted[i]);
		set->inheritable |= CAP_TO_MASK(wanted[i]);
	}
	must(syscall(SYS_capset, &header, sets), "capset");
	/* so that they outlive the exec */
	for (int i = 0; i < count; i++)
		must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted[i], 0, 0), "PR_CAP_AMBIENT_RAISE");
	execvp(argv[2], argv + 2);
	must(-1, argv[2]);
}
