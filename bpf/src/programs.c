// SPDX-License-Identifier: MIT
#include "programs-state.h"
#include "buffer.h"
#include "calls.h"
#include "complaint.h"
#include "kernel-btf.h"
#include "privilege.h"
#include "security.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* One set of programs a process: what became of each hook outlives a failed load. */
static struct hook_report reports[MOST_HOOKS];
static const struct variant *chosen[MOST_HOOKS];
/* Whether hooks get their second programs, see again.bpf.h. Their names are those of the first ones with this behind. */
static bool doubled;
#define AGAIN "_again"
#ifdef SKIPPING
#define ALWAYS_DOUBLED true
#else
#define ALWAYS_DOUBLED false
#endif

void programs_set_hook(uint32_t hook, enum hook_state state, const char *why)
{
	reports[hook].name = HOOKS[hook].name;
	reports[hook].state = state;
	snprintf(reports[hook].why, sizeof(reports[hook].why), "%s", why);
}

const struct variant *programs_chosen(uint32_t hook)
{
	return chosen[hook];
}

enum hook_state programs_hook_state(uint32_t hook)
{
	return reports[hook].state;
}

/* Purposes that there are hooks for, as enum hook_for. */
static unsigned int wanted(const struct programs_request *request)
{
	unsigned int purposes = FOR_PROCESSES | (request->enter ? FOR_ENTER : 0);

	for (int api = 0; api < API_COUNT; api++)
		purposes |= request->apis[api] ? 1u << api : 0;
	if (purposes & FOR_IO_URING && purposes & (FOR_LIBAIO | FOR_POSIX_AIO | FOR_EPOLL | FOR_SYNC | FOR_ENTER))
		purposes |= FOR_REFUSALS;
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
	bool many = wanted(request) & (FOR_POSIX_AIO | FOR_EPOLL | FOR_SYNC), single = !many && has_tracefs();

	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook *hook = &HOOKS[i];
		const char *off = NULL;
		bool exists = false;

		chosen[i] = NULL;
		if (!is_wanted(request, hook))
			off = hook->purposes == FOR_REFUSALS && request->apis[API_IO_URING] ?
			      "it would slow every system call of the machine: used only with others" :
			      "what it is for is not captured";
		else if (hook->kind == KIND_SYSCALL && !single)
			off = many ? "sys_enter and sys_exit serve all the calls that are captured" :
				     "tracefs is not mounted or not readable; sys_enter and sys_exit are used instead";
		else if (hook->kind == KIND_ANY_SYSCALL && single)
			off = "not needed: the single system calls are used";
		else if (hook->kind == KIND_ITERATOR && !request->existing)
			off = "not needed: the command starts without rings";
		else if (hook->kind == KIND_SECURITY)
			/* few kernels have it: that it is missing is nothing to warn of */
			off = security_why_not(btf, hook->variants[0].tracepoint);
		if (off) {
			programs_set_hook(i, HOOK_OFF, off);
			continue;
		}
		bool in_btf = hook->kind == KIND_TYPED || hook->kind == KIND_ANY_SYSCALL;
		for (int v = 0; v < MOST_VARIANTS && hook->variants[v].program && !chosen[i]; v++)
			if (!in_btf || kernel_has(btf, &hook->variants[v], &exists))
				chosen[i] = &hook->variants[v];
		if (chosen[i])
			programs_set_hook(i, HOOK_CHOSEN, "not attached");
		else
			programs_set_hook(i, HOOK_UNAVAILABLE, exists ? "this kernel's tracepoint has arguments that are not known"
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
			programs_set_hook(i, HOOK_OFF, "another hook that its API needs is not available");
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
			 is_of_library(hook) ?
			 "Run the loader as root: probes in programs need CAP_SYS_ADMIN." : "Use Linux 5.10 or later.");
		if (hook->purposes & FOR_PROCESSES)
			return false;
		give_up(request, hook->purposes);
	}
	bool any = false;
	for (int api = 0; api < API_COUNT; api++)
		any = any || request->apis[api];
	return any;
}

/* The hook with a program that libbpf complained about; -1: it did not name one. */
static int failed_hook(void)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		char first[128], second[128];
		if (!chosen[i])
			continue;
		snprintf(first, sizeof(first), "prog '%s'", chosen[i]->program);
		snprintf(second, sizeof(second), "prog '%s" AGAIN "'", chosen[i]->program);
		if (strstr(complaint_text(), first) || strstr(complaint_text(), second))
			return i;
	}
	return -1;
}

/* Flag of requests that complete several times; its bit is not the same on all kernels. */
static uint64_t multishot_flag;
/* Whether the kernel lets a program say what an untyped pointer points to. */
static bool can_cast;

static void set_filter(struct kernel *kernel, const struct filter *filter)
{
	kernel->rodata->filtered = filter_is_set(filter);
	kernel->rodata->filter_comm = filter->comm != NULL;
	if (filter->comm)
		snprintf((char *)kernel->rodata->comm_wanted, sizeof(kernel->rodata->comm_wanted), "%s", filter->comm);
	kernel->rodata->filter_user = filter->by_user;
	kernel->rodata->user_wanted = filter->uid;
	kernel->rodata->filter_cgroup = filter->by_cgroup;
	kernel->rodata->cgroup_wanted = filter->cgroup;
	kernel->rodata->cgroup_level = filter->cgroup_level;
}

static bool kernel_since(unsigned int major, unsigned int minor)
{
	struct utsname host;
	unsigned int has_major = 0, has_minor = 0;

	uname(&host);
	sscanf(host.release, "%u.%u", &has_major, &has_minor);
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* Whether the hook's events may interrupt its own program, which the kernel skips then, whether it can be preempted or not. */
static bool comes_in_interrupts(const struct hook *hook)
{
	return strcmp(hook->name, "iomap_dio_complete") == 0;
}

/* A hook's second program, NULL: it has none. */
static struct bpf_program *second_program(const struct kernel *kernel, uint32_t hook)
{
	char name[64];

	snprintf(name, sizeof(name), "%s" AGAIN, chosen[hook]->program);
	return doubled || comes_in_interrupts(&HOOKS[hook]) ? bpf_object__find_program_by_name(kernel->obj, name) : NULL;
}

static struct kernel *open_kernel(const struct programs_request *request)
{
	struct kernel *kernel = kernel__open();
	struct bpf_program *program;

	if (!kernel)
		return NULL;
	kernel->rodata->trace_all = request->all;
	kernel->rodata->stack_every = request->stack_every;
	set_filter(kernel, &request->filter);
	kernel->rodata->told_calls = told_calls(request);
	kernel->rodata->trace_posix_aio = request->apis[API_POSIX_AIO];
	watched_calls(request, wanted(request) & FOR_REFUSALS, (uint64_t *)kernel->rodata->watched_calls);
	/* until 6.1 an entry that overflows is also completed */
	kernel->rodata->overflow_completes = kernel_since(6, 2);
	kernel->rodata->doubled = doubled;
	kernel->rodata->multishot_flag = multishot_flag;
	kernel->rodata->can_cast = can_cast;
	programs_size_maps(kernel, request);
	bpf_object__for_each_program(program, kernel->obj)
		bpf_program__set_autoload(program, false);
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		if (!chosen[i])
			continue;
		struct bpf_program *of_hook[] = { bpf_object__find_program_by_name(kernel->obj, chosen[i]->program), second_program(kernel, i) };
		for (int turn = 0; turn < 2; turn++)
			if (of_hook[turn])
				bpf_program__set_autoload(of_hook[turn], true);
	}
	return kernel;
}

/* Loads all chosen programs; one that the kernel refuses is given up and the rest tried again. */
static struct kernel *load_kernel(struct programs_request *request, struct refusal *refusal)
{
	for (;;) {
		struct kernel *kernel = open_kernel(request);
		complaint_listen();
		int error = kernel ? kernel__load(kernel) : -ENOMEM;
		if (error == 0)
			return kernel;
		kernel__destroy(kernel);
		int hook = failed_hook();
		if (hook < 0) {
			refusal->code = "cannot-trace";
			snprintf(refusal->message, sizeof(refusal->message), "The kernel programs could not be loaded: %s.%s%.300s",
				 strerror(-error), complaint_text()[0] ? " " : "", complaint_text());
			snprintf(refusal->hint, sizeof(refusal->hint), "%s",
				 error == -EPERM ? "Run as root, or give the loader CAP_BPF and CAP_PERFMON." :
						   "Run the loader with --doctor to see what is missing.");
			return NULL;
		}
		char why[256];
		const char *verdict = complaint_verdict();
		snprintf(why, sizeof(why), "the kernel refused the program: %s%s%s%s", strerror(-error),
			 verdict[0] ? " (" : "", verdict, verdict[0] ? ")" : "");
		const struct variant *refused = chosen[hook];
		for (uint32_t i = 0; i < HOOK_COUNT; i++) {
			/* one program may serve several hooks */
			if (!chosen[i] || strcmp(chosen[i]->program, refused->program) != 0)
				continue;
			programs_set_hook(i, HOOK_UNAVAILABLE, why);
			chosen[i] = NULL;
		}
		if (!is_possible(request, refusal))
			return NULL;
	}
}

struct programs *programs_load(struct programs_request *request, struct refusal *refusal)
{
	memset(reports, 0, sizeof(reports));
	complaint_listen();
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
	/* since then programs are preempted */
	doubled = ALWAYS_DOUBLED || kernel_since(7, 0);
	int64_t bit = kernel_enumerator(btf, "REQ_F_APOLL_MULTISHOT_BIT", -1);
	multishot_flag = bit >= 0 ? 1ULL << bit : 0;
	can_cast = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) >= 0;
	btf__free(btf);
	if (!is_possible(request, refusal))
		return NULL;
	struct kernel *kernel = load_kernel(request, refusal);
	if (!kernel)
		return NULL;
	struct programs *programs = resized(NULL, 1, sizeof(*programs));
	*programs = (struct programs){ .kernel = kernel };
	programs_open_data(programs);
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

static struct bpf_link *attach(const struct bpf_program *program, uint32_t hook)
{
	return HOOKS[hook].kind == KIND_SYSCALL ? bpf_program__attach_tracepoint(program, "syscalls", chosen[hook]->tracepoint) :
						  bpf_program__attach(program);
}

bool programs_attach(struct programs *programs, struct programs_request *request, struct refusal *refusal)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		if (!chosen[i] || is_of_library(&HOOKS[i]))
			continue;
		struct bpf_program *second = second_program(programs->kernel, i);
		struct bpf_link *link = attach(bpf_object__find_program_by_name(programs->kernel->obj, chosen[i]->program), i);
		if (link) {
			programs->links[i] = link;
			if (second)
				programs->again[i] = attach(second, i);
			if (HOOKS[i].kind == KIND_ITERATOR)
				iterate(link);
			programs_set_hook(i, HOOK_ATTACHED, "");
			continue;
		}
		char why[128];
		snprintf(why, sizeof(why), "it could not be attached: %s", strerror(errno));
		programs_set_hook(i, HOOK_UNAVAILABLE, why);
	}
	/* last: a request that is seen has its end seen too */
	if (request->apis[API_POSIX_AIO])
		programs_probe_all(programs, request);
	bool possible = is_possible(request, refusal);
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		/* what was given up need not slow the machine */
		if (reports[i].state == HOOK_ATTACHED)
			continue;
		bpf_link__destroy(programs->links[i]);
		bpf_link__destroy(programs->again[i]);
		programs->links[i] = programs->again[i] = NULL;
	}
	return possible;
}

const struct hook_report *programs_hooks(uint32_t *count)
{
	*count = reports[0].name ? HOOK_COUNT : 0;
	return reports;
}

void programs_end(struct programs *programs)
{
	programs->kernel->bss->ended = true;
	/* a program runs for microseconds; the rest is for a CPU that the hypervisor holds */
	usleep(5000);
}

void programs_free(struct programs *programs)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		bpf_link__destroy(programs->links[i]);
		bpf_link__destroy(programs->again[i]);
	}
	for (uint32_t i = 0; i < programs->probe_count; i++)
		bpf_link__destroy(programs->probes[i]);
	free(programs->probes);
	free(programs->libraries);
	ring_buffer__free(programs->hot);
	ring_buffer__free(programs->rare);
	kernel__destroy(programs->kernel);
	free(programs);
}
