// SPDX-License-Identifier: MIT
/* What /proc says about processes. */
#ifndef RINGLIGHT_PROCESS_H
#define RINGLIGHT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Parent of a process, 0 when it is gone. */
pid_t process_parent(pid_t pid);
/* Calls `visit` for each descendant of `root` that is there now. */
void process_descendants(pid_t root, void (*visit)(void *context, pid_t pid), void *context);
/* Whether process ids here are the ones the kernel programs see. */
bool process_ids_are_global(void);
/* The name of a process, and of one of its threads; empty when it is gone. */
void process_name(uint32_t pid, char *name, size_t size);
void thread_name(uint32_t pid, uint32_t tid, char *name, size_t size);

#endif
