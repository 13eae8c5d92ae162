// SPDX-License-Identifier: MIT
#ifndef RINGLIGHT_PROGRAM_H
#define RINGLIGHT_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* The file that a command will run, as execvp() will find it there and with these variables (NULL-terminated K=V). False: none. */
bool program_of_command(const char *command, const char *cwd, char **env, char path[PATH_MAX]);

#endif
