// SPDX-License-Identifier: MIT
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether there is a program of that name in a folder of `length` letters, which may be relative to `cwd`. */
static bool is_in(const char *folder, size_t length, const char *name, const char *cwd, char path[PATH_MAX])
{
	bool relative = folder[0] != '/';
	struct stat file;

	if (!cwd)
		cwd = ".";
	int size = snprintf(path, PATH_MAX, "%s%s%.*s/%s", relative ? cwd : "", relative ? "/" : "", (int)length, folder, name);
	return size < PATH_MAX && stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

bool program_of_command(const char *command, const char *cwd, char **env, char path[PATH_MAX])
{
	const char *folders = getenv("PATH"), *name = strrchr(command, '/');

	if (name)
		return is_in(command, name - command, name + 1, cwd, path);
	for (; env && *env; env++)
		if (strncmp(*env, "PATH=", strlen("PATH=")) == 0)
			folders = *env + strlen("PATH=");
	while (folders) {
		size_t length = strcspn(folders, ":");
		if (is_in(folders, length, command, cwd, path))
			return true;
		folders = folders[length] ? folders + length + 1 : NULL;
	}
	return false;
}
