// SPDX-License-Identifier: MIT
/*
 * Under sudo the loader is root, but the traced command is the user's and must run as the user. /etc/passwd and
 * /etc/group are read directly: a static program can not use the C library's name services.
 */
#include "target.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_GROUPS 256

/* Field `index` of a line with colons, ended in place; the line keeps its other fields. */
static char *field(char *line, int index)
{
	while (index-- > 0) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	return line;
}

static bool is_id(const char *text, unsigned long *id)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*id = strtoul(text, &end, 10);
	return errno == 0 && *end == 0 && *id < 0xffffffffUL;
}

/* Whether the list “a,b,c” holds `name`. */
static bool lists(const char *members, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = members; *at; at += strcspn(at, ",")) {
		at += *at == ',';
		size_t length = strcspn(at, ",:\n");
		if (length == size && strncmp(at, name, size) == 0)
			return true;
	}
	return false;
}

static size_t groups_of(const char *name, gid_t *groups, size_t most)
{
	char *line = NULL;
	size_t size = 0, count = 0;
	FILE *file = fopen("/etc/group", "re");

	while (file && count < most && getline(&line, &size, file) > 0) {
		char *members = field(line, 3), *id = field(line, 2);
		if (members && id && lists(members, name))
			groups[count++] = strtoul(id, NULL, 10);
	}
	free(line);
	if (file)
		fclose(file);
	return count;
}

/* The user's home, in a buffer of our own; empty when /etc/passwd does not know the user. */
static const char *home_of(unsigned long uid)
{
	static char home[4096];
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen("/etc/passwd", "re");

	while (file && !home[0] && getline(&line, &size, file) > 0) {
		char *id = field(line, 2), *path = field(line, 5);
		if (id && path && strtoul(id, NULL, 10) == uid)
			snprintf(home, sizeof(home), "%.*s", (int)strcspn(path, ":\n"), path);
	}
	free(line);
	if (file)
		fclose(file);
	return home;
}

bool identity_of_caller(void)
{
	const char *name = getenv("SUDO_USER");
	unsigned long uid, gid;
	gid_t groups[MOST_GROUPS];

	if (geteuid() != 0 || !is_id(getenv("SUDO_UID"), &uid) || !is_id(getenv("SUDO_GID"), &gid) || uid == 0)
		return true;
	groups[0] = gid;
	size_t count = 1 + (name ? groups_of(name, groups + 1, MOST_GROUPS - 1) : 0);
	if (setgroups(count, groups) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
		return false;
	if (home_of(uid)[0])
		setenv("HOME", home_of(uid), 1);
	if (name) {
		setenv("USER", name, 1);
		setenv("LOGNAME", name, 1);
	}
	unsetenv("MAIL");
	unsetenv("SUDO_USER");
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	unsetenv("SUDO_COMMAND");
	return true;
}
