// SPDX-License-Identifier: MIT
/* User stacks by number, and the files that their addresses lie in: each is sent once. */
#ifndef RINGLIGHT_STACKS_H
#define RINGLIGHT_STACKS_H

#include "frame.h"
#include "record.h"

struct stacks;

/* Reads the addresses of the stack at `place` of the kernel's map into `frames`; how many, innermost first. */
typedef uint32_t (*stack_reader)(void *context, uint32_t place, uint64_t frames[STACK_DEPTH]);

struct stacks *stacks_new(struct stream *stream, stack_reader read, void *context);
void stacks_free(struct stacks *stacks);
/* The number of a process' stack at a place of the kernel's map, which is sent when it is new; 0 when it can not be read. */
uint32_t stacks_number(struct stacks *stacks, uint32_t pid, uint32_t place, uint64_t now);
/* The process is another program now, or gone: its mappings are others. */
void stacks_forget(struct stacks *stacks, uint32_t pid);

#endif
