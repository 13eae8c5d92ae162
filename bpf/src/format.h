// SPDX-License-Identifier: MIT
#ifndef RINGLIGHT_FORMAT_H
#define RINGLIGHT_FORMAT_H

/* Prints the constants of the format as JSON, for the test that compares them with the TypeScript ones. */
int print_format(void);

#endif
