// SPDX-License-Identifier: MIT
#include "doctor.h"
#include "json.h"
#include "privilege.h"
#include "process.h"
#include "report.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void check(struct json *json, const char *id, const char *state, const char *title, const char *detail, const char *remedy)
{
	json_open(json, '{');
	json_text_member(json, "id", id);
	json_text_member(json, "state", state);
	json_text_member(json, "title", title);
	json_text_member(json, "detail", detail);
	if (strcmp(state, "ok") != 0)
		json_text_member(json, "remedy", remedy);
	json_close(json, '}');
}

static void check_btf(struct json *json)
{
	bool has = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	check(json, "btf", has ? "ok" : "missing", "Kernel type information (BTF)",
	      has ? "/sys/kernel/btf/vmlinux is there" : "/sys/kernel/btf/vmlinux is not there or not readable",
	      "Use a kernel that is built with CONFIG_DEBUG_INFO_BTF=y.");
}

static void check_capabilities(struct json *json)
{
	uint64_t has = privilege_capabilities();
	const char *missing = privilege_missing();
	bool reads = has & CAPABILITY(CAP_DAC_READ_SEARCH);
	char detail[128];

	snprintf(detail, sizeof(detail), "user id %d; %s%s", (int)geteuid(), missing[0] ? "missing: " : "all capabilities held that tracing needs",
		 missing);
	check(json, "capabilities", missing[0] ? "missing" : "ok", "Right to trace", detail,
	      "Run as root, with sudo, or give the loader CAP_BPF and CAP_PERFMON (before Linux 5.11 also CAP_SYS_RESOURCE).");
	check(json, "proc", reads ? "ok" : "warning", "Names of other users' files",
	      reads ? "CAP_DAC_READ_SEARCH held" : "CAP_DAC_READ_SEARCH missing: some descriptors have no path",
	      "Give the loader CAP_DAC_READ_SEARCH too.");
}

static void check_lockdown(struct json *json)
{
	const char *mode = privilege_lockdown();
	bool closed = strcmp(mode, "confidentiality") == 0;

	check(json, "lockdown", closed ? "missing" : "ok", "Kernel lockdown", mode, "Boot with lockdown=integrity or without lockdown.");
}

static void check_tracefs(struct json *json)
{
	bool has = access("/sys/kernel/tracing/events", R_OK) == 0 || access("/sys/kernel/debug/tracing/events", R_OK) == 0;

	check(json, "tracefs", has ? "ok" : "warning", "tracefs",
	      has ? "readable: libaio is seen at its own system calls"
		  : "not mounted or not readable: libaio capture passes every system call of the machine, which costs about 100 ns each",
	      "Mount tracefs at /sys/kernel/tracing if libaio programs are to be traced at the least cost.");
}

static void check_io_uring(struct json *json)
{
	static const char *const words[] = { "allowed for everybody", "only for privileged processes", "disabled for everybody" };
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = 0;

	if (file && fscanf(file, "%d", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	check(json, "io_uring", value == 0 ? "ok" : "warning", "io_uring on this machine",
	      file ? words[value < 0 || value > 2 ? 2 : value] : "this kernel has no switch for it",
	      "Set the sysctl kernel.io_uring_disabled to 0.");
}

static void check_process_ids(struct json *json)
{
	bool global = process_ids_are_global();

	check(json, "pid-namespace", global ? "ok" : "missing", "Process ids",
	      global ? "those of the host" : "this is a container with process ids of its own",
	      "Start it on the host, or in a container with the host's process ids (--pid=host).");
}

static void check_hooks(struct json *json, bool loaded, const struct refusal *refusal)
{
	uint32_t count;
	const struct hook_report *hooks = programs_hooks(&count);

	check(json, "programs", loaded ? "ok" : "missing", "Kernel programs",
	      loaded ? "loaded and attached" : refusal->message, refusal->hint);
	for (uint32_t i = 0; i < count; i++) {
		char id[80];
		/* not needed here */
		if (hooks[i].state == HOOK_OFF)
			continue;
		snprintf(id, sizeof(id), "hook:%s", hooks[i].name);
		check(json, id, hooks[i].state == HOOK_UNAVAILABLE ? "warning" : "ok", hooks[i].name,
		      hooks[i].state == HOOK_ATTACHED ? "attached" : hooks[i].why,
		      "Nothing to do: what this hook tells is missing from recordings of this kernel.");
	}
}

/* Loads and attaches everything there is. */
static bool try_all(struct refusal *refusal)
{
	struct programs_request request = { .apis = { true, true, true, true, true }, .enter = true, .existing = true, .ring_buffer = 1 << 20 };
	struct programs *programs = programs_load(&request, refusal);

	if (!programs)
		return false;
	bool attached = programs_attach(programs, &request, refusal);
	programs_free(programs);
	return attached;
}

int doctor_run(void)
{
	struct refusal refusal = { 0 };
	struct json json = { 0 };
	struct utsname host;

	uname(&host);
	bool loaded = try_all(&refusal), can_trace = loaded && process_ids_are_global();
	json_open(&json, '{');
	json_int_member(&json, "version", 1);
	json_text_member(&json, "host", "");
	json_text_member(&json, "kernel", host.release);
	json_text_member(&json, "machine", host.machine);
	json_bool_member(&json, "canTrace", can_trace);
	json_key(&json, "checks");
	json_open(&json, '[');
	check_btf(&json);
	check_capabilities(&json);
	check_lockdown(&json);
	check_process_ids(&json);
	check_hooks(&json, loaded, &refusal);
	check_tracefs(&json);
	check_io_uring(&json);
	json_close(&json, ']');
	json_close(&json, '}');
	printf("%.*s\n", (int)json.text.size, json.text.bytes);
	buffer_free(&json.text);
	return can_trace ? EXIT_OK : EXIT_CANNOT_TRACE;
}

int self_test_run(void)
{
	struct refusal refusal = { 0 };

	/* an API that had to be given up is a failure here */
	if (!try_all(&refusal) || refusal.code) {
		fprintf(stderr, "ringlight-loader: %s %s\n", refusal.message, refusal.hint);
		return EXIT_CANNOT_TRACE;
	}
	fputs("ringlight-loader: loaded, attached and detached\n", stderr);
	return EXIT_OK;
}
