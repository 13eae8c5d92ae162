// SPDX-License-Identifier: MIT
/* Where functions of C libraries are, for probes: in which file, and at which offset of it. */
#ifndef RINGLIGHT_LIBRARY_H
#define RINGLIGHT_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_OFFSETS 8
#define MOST_BUILD_ID 65

/* `path` names the file for the loader while the call lasts. */
typedef void (*library_visitor)(void *context, const char *path);

/* The C libraries that a program of this machine would load: that of the loader's own root. */
void library_default(library_visitor visit, void *context);
/* Those that a process has mapped or will map, and its program where that is static; none when it is gone. */
void library_of_process(pid_t pid, library_visitor visit, void *context);
/*
 * Offsets in the file of all versions of `function` and of its 64-bit twin (`function`64), without repetition. Returns how
 * many, 0 when the file is no ELF file of this machine or has none.
 */
int library_offsets(const char *path, const char *function, uint64_t offsets[MOST_OFFSETS]);
/* The build id of the file that a process has at `path`, in hexadecimal; false when it has none or can not be read. */
bool library_build_id(pid_t pid, const char *path, char id[MOST_BUILD_ID]);

#endif
