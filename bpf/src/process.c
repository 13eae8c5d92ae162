// SPDX-License-Identifier: MIT
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Inode of the first pid namespace: PROC_PID_INIT_INO of the kernel. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

pid_t process_parent(pid_t pid)
{
	char path[32], text[512];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	/* the name in parentheses may hold anything, also parentheses */
	const char *rest = strrchr(text, ')');
	return rest && sscanf(rest, ") %*c %d", &parent) == 1 ? parent : 0;
}

void process_descendants(pid_t root, void (*visit)(void *context, pid_t pid), void *context)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		pid_t pid = atoi(entry->d_name), above = pid;
		while (above > 1 && (above = process_parent(above)) != root)
			;
		if (pid > 0 && above == root)
			visit(context, pid);
	}
	if (processes)
		closedir(processes);
}

bool process_ids_are_global(void)
{
	char text[64];
	ssize_t size = readlink("/proc/self/ns/pid", text, sizeof(text) - 1);

	if (size < 0)
		return false;
	text[size] = 0;
	return strcmp(text, FIRST_PID_NAMESPACE) == 0;
}

/* First line of a small file; empty when it can not be read. */
static void read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, line, size - 1);

	if (fd >= 0)
		close(fd);
	line[got > 0 ? got : 0] = 0;
	line[strcspn(line, "\n")] = 0;
}

void process_name(uint32_t pid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	read_line(path, name, size);
}

void thread_name(uint32_t pid, uint32_t tid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	read_line(path, name, size);
}
