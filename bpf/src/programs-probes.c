// SPDX-License-Identifier: MIT
#include "programs-state.h"
#include "buffer.h"
#include "library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_new(struct programs *programs, const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0)
		return false;
	for (uint32_t i = 0; i < programs->library_count; i++)
		if (programs->libraries[i].device == file.st_dev && programs->libraries[i].inode == file.st_ino)
			return false;
	programs->libraries = resized(programs->libraries, programs->library_count + 1, sizeof(*programs->libraries));
	programs->libraries[programs->library_count++] = (struct library){ file.st_dev, file.st_ino };
	return true;
}

/* Probes a function, in all its versions, for the hook. */
static void probe_function(struct programs *programs, uint32_t hook, const char *path)
{
	struct bpf_program *program = bpf_object__find_program_by_name(programs->kernel->obj, programs_chosen(hook)->program);
	uint64_t offsets[MOST_OFFSETS];
	int count = library_offsets(path, programs_chosen(hook)->tracepoint, offsets);

	for (int i = 0; i < count; i++) {
		struct bpf_link *link = bpf_program__attach_uprobe(program, HOOKS[hook].kind == KIND_LIBRARY_RETURN, -1, path, offsets[i]);
		if (link) {
			programs_set_hook(hook, HOOK_ATTACHED, "");
			programs->probes = resized(programs->probes, programs->probe_count + 1, sizeof(*programs->probes));
			programs->probes[programs->probe_count++] = link;
		} else if (programs_hook_state(hook) != HOOK_ATTACHED) {
			char why[128];
			snprintf(why, sizeof(why), "the C library could not be probed: %s", strerror(errno));
			programs_set_hook(hook, HOOK_UNAVAILABLE, why);
		}
	}
}

static void probe_library(void *context, const char *path)
{
	struct programs *programs = context;

	if (!is_new(programs, path))
		return;
	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		if (programs_chosen(i) && is_of_library(&HOOKS[i]))
			probe_function(programs, i, path);
}

void programs_probe_all(struct programs *programs, const struct programs_request *request)
{
	library_default(probe_library, programs);
	if (request->pid)
		library_of_process(request->pid, probe_library, programs);
	if (request->program)
		probe_library(programs, request->program);
	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		if (programs_chosen(i) && is_of_library(&HOOKS[i]) && programs_hook_state(i) == HOOK_CHOSEN)
			programs_set_hook(i, HOOK_UNAVAILABLE, "no C library here has the function");
}

void programs_probe(struct programs *programs, pid_t pid)
{
	bool any = false;

	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		any = any || (programs_chosen(i) && is_of_library(&HOOKS[i]));
	if (!any)
		return;
	library_of_process(pid, probe_library, programs);
}
