// SPDX-License-Identifier: MIT
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool is_cgroup(int folder)
{
	struct statfs status;

	return fstatfs(folder, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

bool filter_by_cgroup(struct filter *filter, const char *path)
{
	struct stat status;
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return false;
	if (!is_cgroup(folder) || fstat(folder, &status) != 0) {
		close(folder);
		errno = ENOTSUP;
		return false;
	}
	filter->by_cgroup = true;
	filter->cgroup = status.st_ino;
	/* as deep as there are groups above it */
	for (filter->cgroup_level = -1; folder >= 0 && is_cgroup(folder); filter->cgroup_level++) {
		int above = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(folder);
		folder = above;
	}
	if (folder >= 0)
		close(folder);
	return true;
}
