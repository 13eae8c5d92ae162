// SPDX-License-Identifier: MIT
#include "privilege.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

uint64_t privilege_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

const char *privilege_lockdown(void)
{
	static const char *const modes[] = { "none", "integrity", "confidentiality" };
	char text[128] = "", wanted[32];
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");

	if (!file)
		return "unknown";
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	for (int i = 0; i < 3; i++) {
		snprintf(wanted, sizeof(wanted), "[%s]", modes[i]);
		if (strstr(text, wanted))
			return modes[i];
	}
	return "unknown";
}

/* Before 5.11 the memory of maps counts as locked, so its limit has to be raised: above the hard one by a right only. */
static bool may_lock_maps(uint64_t has)
{
	struct utsname host;
	struct rlimit limit;
	unsigned int major = 0, minor = 0;

	uname(&host);
	if (sscanf(host.release, "%u.%u", &major, &minor) == 2 && (major > 5 || (major == 5 && minor >= 11)))
		return true;
	return has & CAPABILITY(CAP_SYS_RESOURCE) ||
	       (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max == RLIM_INFINITY);
}

const char *privilege_missing(void)
{
	static char missing[64];
	uint64_t has = privilege_capabilities();
	bool admin = has & CAPABILITY(CAP_SYS_ADMIN);
	const char *names[] = {
		admin || has & CAPABILITY(CAP_BPF) ? NULL : "CAP_BPF",
		admin || has & CAPABILITY(CAP_PERFMON) ? NULL : "CAP_PERFMON",
		may_lock_maps(has) ? NULL : "CAP_SYS_RESOURCE",
	};

	missing[0] = 0;
	for (int i = 0; i < 3; i++) {
		size_t used = strlen(missing);
		if (names[i])
			snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? " and " : "", names[i]);
	}
	return missing;
}

bool privilege_allows_tracing(struct refusal *refusal)
{
	if (strcmp(privilege_lockdown(), "confidentiality") == 0) {
		refusal->code = "cannot-trace";
		snprintf(refusal->message, sizeof(refusal->message),
			 "The kernel is locked down (confidentiality): BPF programs may not read kernel memory.");
		snprintf(refusal->hint, sizeof(refusal->hint), "Boot with lockdown=integrity or without lockdown.");
		return false;
	}
	if (!privilege_missing()[0])
		return true;
	refusal->code = "no-privilege";
	snprintf(refusal->message, sizeof(refusal->message), "Tracing needs root or capabilities; missing: %s (user id %d).",
		 privilege_missing(), (int)geteuid());
	snprintf(refusal->hint, sizeof(refusal->hint), "Run the loader as root, with sudo, or with these capabilities.");
	return false;
}

void privilege_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	uint64_t keep = CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON) | CAPABILITY(CAP_DAC_READ_SEARCH) |
			CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_KILL);
	struct __user_cap_data_struct data[2];

	keep &= privilege_capabilities();
	data[0] = (struct __user_cap_data_struct){ .effective = keep, .permitted = keep };
	data[1] = (struct __user_cap_data_struct){ .effective = keep >> 32, .permitted = keep >> 32 };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* best effort: without it we only stay as powerful as we were started */
	syscall(SYS_capset, &header, data);
}
