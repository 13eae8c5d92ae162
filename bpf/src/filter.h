// SPDX-License-Identifier: MIT
/* Which processes of the whole machine are traced: those that pass everything that is asked for, and what they start. */
#ifndef RINGLIGHT_FILTER_H
#define RINGLIGHT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct filter {
	const char *comm;	/* the process' name, NULL: any */
	bool by_user, by_cgroup;
	uint32_t uid;
	uint64_t cgroup;	/* the kernel's number for it */
	int cgroup_level;	/* below the root of all */
};

static inline bool filter_is_set(const struct filter *filter)
{
	return filter->comm || filter->by_user || filter->by_cgroup;
}

/* Takes the control group of a folder; false with errno: there is none, or ENOTSUP: it is not one of version 2. */
bool filter_by_cgroup(struct filter *filter, const char *path);

#endif
