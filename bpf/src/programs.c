// SPDX-License-Identifier: MIT
#include "programs.h"
#include "buffer.h"
#include "hooks.h"
#include "privilege.h"
#include "kernel.skel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MOST_HOOKS 128

struct programs {
	struct kernel *kernel;
	struct bpf_link *links[MOST_HOOKS];
	struct ring_buffer *hot, *rare;
	record_sink records;
	notice_sink notices;
	void *context;
};

/* One set of programs a process: what became of each hook outlives a failed load. */
static struct hook_report reports[MOST_HOOKS];
static const struct variant *chosen[MOST_HOOKS];

/* libbpf says which program failed, and why, in its log only. */
static char complaint[2048];

static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t used = strlen(complaint);

	if (level == LIBBPF_WARN && used < sizeof(complaint) - 1)
		vsnprintf(complaint + used, sizeof(complaint) - used, format, arguments);
	return 0;
}

static void set_state(uint32_t hook, enum hook_state state, const char *why)
{
	reports[hook].name = HOOKS[hook].name;
	reports[hook].state = state;
	snprintf(reports[hook].why, sizeof(reports[hook].why), "%s", why);
}

static const struct btf_type *past_qualifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* Whether parameter `place` points to `struct name`. */
static bool points_to(const struct btf *btf, const struct btf_param *parameter, const char *name)
{
	const struct btf_type *type = past_qualifiers(btf, parameter->type);

	if (!type || !btf_is_ptr(type))
		return false;
	type = past_qualifiers(btf, type->type);
	return type && btf_is_struct(type) && strcmp(btf__name_by_offset(btf, type->name_off), name) == 0;
}

static bool is_pointer(const struct btf *btf, const struct btf_param *parameter)
{
	const struct btf_type *type = past_qualifiers(btf, parameter->type);

	return type && btf_is_ptr(type);
}

/* Whether the kernel has the variant's tracepoint with the arguments it expects; `*exists` tells of the former. */
static bool fits(const struct btf *btf, const struct variant *variant, bool *exists)
{
	char name[128];

	snprintf(name, sizeof(name), "btf_trace_%s", variant->tracepoint);
	const struct btf_type *type = btf__type_by_id(btf, btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF));
	if (!type || !btf_is_typedef(type))
		return false;
	*exists = true;
	type = btf__type_by_id(btf, type->type);
	type = type && btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	if (!type || !btf_is_func_proto(type))
		return false;
	/* the first is the tracepoint's own context */
	const struct btf_param *parameters = btf_params(type) + 1;
	int count = btf_vlen(type) - 1;
	switch (variant->shape) {
	case SHAPE_ANY:
		return true;
	case SHAPE_REQUEST_FIRST:
		return count >= 1 && points_to(btf, &parameters[0], "io_kiocb");
	case SHAPE_REQUEST_SECOND:
		return count >= 2 && !points_to(btf, &parameters[0], "io_kiocb") && is_pointer(btf, &parameters[1]);
	case SHAPE_ENTRY_THIRD:
		return count == 3 && points_to(btf, &parameters[2], "io_uring_cqe");
	case SHAPE_RESULT_FOURTH:
		return count >= 5 && is_pointer(btf, &parameters[1]);
	case SHAPE_NUMBERS:
		return count >= 4 && !is_pointer(btf, &parameters[1]);
	case SHAPE_THREE:
		return count == 3;
	case SHAPE_NUMBER_FOURTH:
		return count == 4 && is_pointer(btf, &parameters[1]) && is_pointer(btf, &parameters[2]);
	}
	return false;
}

/* Purposes that there are hooks for, as enum hook_for. */
static unsigned int wanted(const struct programs_request *request)
{
	unsigned int purposes = FOR_PROCESSES | (request->enter ? FOR_ENTER : 0);

	for (int api = 0; api < API_COUNT; api++)
		purposes |= request->apis[api] ? 1u << api : 0;
	return purposes;
}

static bool is_wanted(const struct programs_request *request, const struct hook *hook)
{
	return hook->purposes & wanted(request);
}

static bool has_tracefs(void)
{
	return access("/sys/kernel/tracing/events/syscalls/sys_enter_io_submit/id", R_OK) == 0 ||
	       access("/sys/kernel/debug/tracing/events/syscalls/sys_enter_io_submit/id", R_OK) == 0;
}

static void choose(const struct programs_request *request, const struct btf *btf)
{
	bool tracefs = has_tracefs();

	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook *hook = &HOOKS[i];
		const char *off = NULL;
		bool exists = false;

		chosen[i] = NULL;
		if (!is_wanted(request, hook))
			off = "what it is for is not captured";
		else if (hook->kind == KIND_SYSCALL && !tracefs)
			off = "tracefs is not mounted or not readable; sys_enter and sys_exit are used instead";
		else if (hook->kind == KIND_ANY_SYSCALL && tracefs)
			off = "not needed: the single system calls are used";
		else if (hook->kind == KIND_ITERATOR && !request->existing)
			off = "not needed: the command starts without rings";
		if (off) {
			set_state(i, HOOK_OFF, off);
			continue;
		}
		bool in_btf = hook->kind == KIND_TYPED || hook->kind == KIND_ANY_SYSCALL;
		for (int v = 0; v < MOST_VARIANTS && hook->variants[v].program && !chosen[i]; v++)
			if (!in_btf || fits(btf, &hook->variants[v], &exists))
				chosen[i] = &hook->variants[v];
		if (chosen[i])
			set_state(i, HOOK_CHOSEN, "not attached");
		else
			set_state(i, HOOK_UNAVAILABLE, exists ? "this kernel's tracepoint has arguments that are not known"
							      : "this kernel does not have the tracepoint");
	}
}

static void give_up(struct programs_request *request, unsigned int purposes)
{
	for (int api = 0; api < API_COUNT; api++)
		request->apis[api] = request->apis[api] && !(purposes & 1u << api);
	request->enter = request->enter && !(purposes & FOR_ENTER);
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		if (is_wanted(request, &HOOKS[i]))
			continue;
		chosen[i] = NULL;
		if (reports[i].state == HOOK_CHOSEN || reports[i].state == HOOK_ATTACHED)
			set_state(i, HOOK_OFF, "another hook that its API needs is not available");
	}
}

/* Whether anything can be captured still. An API without a hook it needs is given up; `*refusal` says why. */
static bool is_possible(struct programs_request *request, struct refusal *refusal)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook *hook = &HOOKS[i];
		if (!hook->mandatory || reports[i].state != HOOK_UNAVAILABLE || !is_wanted(request, hook))
			continue;
		refusal->code = "cannot-trace";
		snprintf(refusal->message, sizeof(refusal->message), "The kernel hook %s is not available: %s.",
			 hook->name, reports[i].why);
		snprintf(refusal->hint, sizeof(refusal->hint), "%s", hook->purposes & FOR_PROCESSES ?
			 "Tracing needs a kernel that is built with CONFIG_DEBUG_INFO_BTF and CONFIG_BPF_EVENTS." :
			 "Use Linux 6.1 or later.");
		if (hook->purposes & FOR_PROCESSES)
			return false;
		give_up(request, hook->purposes);
	}
	bool any = false;
	for (int api = 0; api < API_COUNT; api++)
		any = any || request->apis[api];
	return any;
}

/* The hook whose program libbpf complained about; -1: it did not name one. */
static int failed_hook(void)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		char wanted[128];
		if (!chosen[i])
			continue;
		snprintf(wanted, sizeof(wanted), "prog '%s'", chosen[i]->program);
		if (strstr(complaint, wanted))
			return i;
	}
	return -1;
}

/* The system calls that are told, a bit each. */
static uint32_t told_calls(const struct programs_request *request)
{
	uint32_t calls = request->enter ? 1u << CALL_IO_URING_ENTER : 0;

	if (request->apis[API_LIBAIO])
		calls |= 1u << CALL_IO_SUBMIT | 1u << CALL_IO_GETEVENTS | 1u << CALL_IO_PGETEVENTS;
	for (uint32_t call = CALL_EPOLL_WAIT; call < CALL_COUNT; call++)
		calls |= request->apis[call <= CALL_EPOLL_PWAIT2 ? API_EPOLL : API_SYNC] ? 1u << call : 0;
	return calls;
}

static struct kernel *open_kernel(const struct programs_request *request)
{
	struct kernel *kernel = kernel__open();
	struct bpf_program *program;
	struct utsname host;
	unsigned int major = 0, minor = 0;

	if (!kernel)
		return NULL;
	uname(&host);
	sscanf(host.release, "%u.%u", &major, &minor);
	kernel->rodata->trace_all = request->all;
	kernel->rodata->told_calls = told_calls(request);
	/* until 6.1 an entry that overflows is also completed */
	kernel->rodata->overflow_completes = major > 6 || (major == 6 && minor >= 2);
	bpf_map__set_max_entries(kernel->maps.records, request->ring_buffer);
	bpf_object__for_each_program(program, kernel->obj)
		bpf_program__set_autoload(program, false);
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		program = chosen[i] ? bpf_object__find_program_by_name(kernel->obj, chosen[i]->program) : NULL;
		if (program)
			bpf_program__set_autoload(program, true);
	}
	return kernel;
}

/* Loads all chosen programs; one that the kernel refuses is given up and the rest tried again. */
static struct kernel *load_kernel(struct programs_request *request, struct refusal *refusal)
{
	for (;;) {
		struct kernel *kernel = open_kernel(request);
		complaint[0] = 0;
		int error = kernel ? kernel__load(kernel) : -ENOMEM;
		if (error == 0)
			return kernel;
		kernel__destroy(kernel);
		int hook = failed_hook();
		if (hook < 0) {
			refusal->code = "cannot-trace";
			snprintf(refusal->message, sizeof(refusal->message), "The kernel programs could not be loaded: %s.%s%.300s",
				 strerror(-error), complaint[0] ? " " : "", complaint);
			snprintf(refusal->hint, sizeof(refusal->hint), "%s",
				 error == -EPERM ? "Run as root, or give the loader CAP_BPF and CAP_PERFMON." :
						   "Run the loader with --doctor to see what is missing.");
			return NULL;
		}
		char why[128];
		snprintf(why, sizeof(why), "the kernel refused the program: %s", strerror(-error));
		const struct variant *refused = chosen[hook];
		for (uint32_t i = 0; i < HOOK_COUNT; i++) {
			/* one program may serve several hooks */
			if (!chosen[i] || strcmp(chosen[i]->program, refused->program) != 0)
				continue;
			set_state(i, HOOK_UNAVAILABLE, why);
			chosen[i] = NULL;
		}
		if (!is_possible(request, refusal))
			return NULL;
	}
}

struct programs *programs_load(struct programs_request *request, struct refusal *refusal)
{
	memset(reports, 0, sizeof(reports));
	libbpf_set_print(listen_to_libbpf);
	if (!privilege_allows_tracing(refusal))
		return NULL;
	struct btf *btf = btf__load_vmlinux_btf();
	if (!btf) {
		refusal->code = "no-btf";
		snprintf(refusal->message, sizeof(refusal->message), "This kernel has no BTF (/sys/kernel/btf/vmlinux): %s.", strerror(errno));
		snprintf(refusal->hint, sizeof(refusal->hint), "Use a kernel that is built with CONFIG_DEBUG_INFO_BTF=y.");
		return NULL;
	}
	choose(request, btf);
	btf__free(btf);
	if (!is_possible(request, refusal))
		return NULL;
	struct kernel *kernel = load_kernel(request, refusal);
	if (!kernel)
		return NULL;
	struct programs *programs = resized(NULL, 1, sizeof(*programs));
	*programs = (struct programs){ .kernel = kernel };
	return programs;
}

/* Runs an iterator: reading calls the program on every descriptor of the machine; it prints nothing. */
static void iterate(struct bpf_link *link)
{
	char byte;
	int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0)
		return;
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

bool programs_attach(struct programs *programs, struct programs_request *request, struct refusal *refusal)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		if (!chosen[i])
			continue;
		struct bpf_program *program = bpf_object__find_program_by_name(programs->kernel->obj, chosen[i]->program);
		struct bpf_link *link = HOOKS[i].kind == KIND_SYSCALL ?
			bpf_program__attach_tracepoint(program, "syscalls", chosen[i]->tracepoint) : bpf_program__attach(program);
		if (link) {
			programs->links[i] = link;
			if (HOOKS[i].kind == KIND_ITERATOR)
				iterate(link);
			set_state(i, HOOK_ATTACHED, "");
			continue;
		}
		char why[128];
		snprintf(why, sizeof(why), "it could not be attached: %s", strerror(errno));
		set_state(i, HOOK_UNAVAILABLE, why);
	}
	return is_possible(request, refusal);
}

const struct hook_report *programs_hooks(uint32_t *count)
{
	*count = reports[0].name ? HOOK_COUNT : 0;
	return reports;
}

bool programs_track(struct programs *programs, uint32_t pid)
{
	uint8_t yes = 1;

	return bpf_map__update_elem(programs->kernel->maps.tracked, &pid, sizeof(pid), &yes, sizeof(yes), BPF_ANY) == 0;
}

static int take_record(void *context, void *data, size_t size)
{
	struct programs *programs = context;

	if (size >= sizeof(struct record))
		programs->records(programs->context, data);
	return 0;
}

static int take_notice(void *context, void *data, size_t size)
{
	struct programs *programs = context;

	if (size >= sizeof(struct notice))
		programs->notices(programs->context, data, size);
	return 0;
}

bool programs_sinks(struct programs *programs, record_sink records, notice_sink notices, void *context)
{
	programs->records = records;
	programs->notices = notices;
	programs->context = context;
	programs->hot = ring_buffer__new(bpf_map__fd(programs->kernel->maps.records), take_record, programs, NULL);
	programs->rare = ring_buffer__new(bpf_map__fd(programs->kernel->maps.notices), take_notice, programs, NULL);
	return programs->hot && programs->rare;
}

void programs_drain(struct programs *programs)
{
	/* in this order: what a record refers to was noticed before it, so the notice is there when the record is */
	ring_buffer__consume(programs->hot);
	ring_buffer__consume(programs->rare);
}

struct counters programs_counters(const struct programs *programs)
{
	struct counters sum = { 0 };

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct counters *one = &programs->kernel->bss->counters[cpu];
		for (int api = 0; api < API_COUNT; api++) {
			sum.submitted[api] += __atomic_load_n(&one->submitted[api], __ATOMIC_RELAXED);
			sum.completed[api] += __atomic_load_n(&one->completed[api], __ATOMIC_RELAXED);
		}
		sum.lost += __atomic_load_n(&one->lost, __ATOMIC_RELAXED);
		sum.lost_notices += __atomic_load_n(&one->lost_notices, __ATOMIC_RELAXED);
	}
	return sum;
}

void programs_end(struct programs *programs)
{
	programs->kernel->bss->ended = true;
	/* a program runs for microseconds; the rest is for a CPU that the hypervisor holds */
	usleep(5000);
}

void programs_free(struct programs *programs)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		bpf_link__destroy(programs->links[i]);
	ring_buffer__free(programs->hot);
	ring_buffer__free(programs->rare);
	kernel__destroy(programs->kernel);
	free(programs);
}
