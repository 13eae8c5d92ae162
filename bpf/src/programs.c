// SPDX-License-Identifier: MIT
#include "programs.h"
#include "buffer.h"
#include "hooks.h"
#include "library.h"
#include "privilege.h"
#include "kernel.skel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MOST_HOOKS 128
#define MOST_STACKS 16384
/* Bytes of a lane, and of all lanes together: they are taken from the kernel's memory at once. */
#define LANE_BYTES (16u << 20)
#define MOST_LANE_BYTES (128u << 20)
#define LEAST_LANE_BYTES (1u << 20)
#define MOST_RINGS 65535
/* Numbers that are there at once; more come as they are used up. */
#define FIRST_RINGS 16384
#define RINGS_A_TICK 256

/* A file that was looked at for functions to probe. */
struct library {
	dev_t device;
	ino_t inode;
};

struct programs {
	uint32_t next_ring;	/* the least number that was never given out */
	struct kernel *kernel;
	struct bpf_link *links[MOST_HOOKS];
	struct library *libraries;
	struct bpf_link **probes;
	uint32_t library_count, probe_count;
	struct ring_buffer *hot, *rare;
	uint32_t cpus, lane_records;
	struct aggregates aggregates;
	struct record *places;
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
	case SHAPE_TWO:
		return count == 2 && is_pointer(btf, &parameters[1]) && !points_to(btf, &parameters[1], "io_kiocb");
	case SHAPE_THREE:
		return count == 3;
	case SHAPE_BYTE_THIRD:
		return count >= 3 && is_pointer(btf, &parameters[1]) && btf__resolve_size(btf, parameters[2].type) == 1;
	case SHAPE_REQUEST_THIRD:
		return count >= 3 && !is_pointer(btf, &parameters[1]) && is_pointer(btf, &parameters[2]);
	case SHAPE_FIVE_NUMBERS:
		return count == 5 && !is_pointer(btf, &parameters[1]);
	case SHAPE_SIX_NUMBERS:
		return count == 6 && !is_pointer(btf, &parameters[1]);
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

/*
 * Why no program of a security module can be loaded for the hook, else NULL. It is tried with one that does nothing, because
 * neither the list of modules nor the hook's being there tells whether the kernel takes one.
 */
static const char *why_no_security(const struct btf *btf, const char *name)
{
	const struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};
	static char why[96];
	char function[64], modules[256] = "bpf";

	snprintf(function, sizeof(function), "bpf_lsm_%s", name);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (id < 0)
		return "this kernel does not have the hook";
	FILE *file = fopen("/sys/kernel/security/lsm", "re");
	if (file && !fgets(modules, sizeof(modules), file))
		modules[0] = 0;
	if (file)
		fclose(file);
	if (!strstr(modules, "bpf"))
		return "BPF is not among the security modules (boot parameter lsm=)";
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC, .attach_btf_id = id);
	int program = bpf_prog_load(BPF_PROG_TYPE_LSM, "try", "Dual BSD/GPL", allow, 2, &options);
	if (program >= 0) {
		close(program);
		return NULL;
	}
	snprintf(why, sizeof(why), "the kernel refuses such programs: %s", strerror(errno));
	return why;
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
			off = hook->purposes == FOR_REFUSALS && request->apis[API_IO_URING] ?
			      "it would slow every system call of the machine: used only with others" :
			      "what it is for is not captured";
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
		const char *lacking = hook->kind == KIND_SECURITY ? why_no_security(btf, hook->variants[0].tracepoint) : NULL;
		if (lacking) {
			set_state(i, HOOK_UNAVAILABLE, lacking);
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
			 hook->kind == KIND_LIBRARY ?
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

/* CPUs that may come up, as the programs number them. */
static uint32_t cpu_count(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus < 1 ? 1 : cpus > MAX_CPUS ? MAX_CPUS : cpus;
}

static void size_maps(struct kernel *kernel, const struct programs_request *request)
{
	uint32_t cpus = cpu_count(), bytes = request->ring_buffer ? request->ring_buffer : LANE_BYTES, records = 1;

	while (!request->ring_buffer && (uint64_t)bytes * cpus > MOST_LANE_BYTES && bytes > LEAST_LANE_BYTES)
		bytes /= 2;
	while (records * 2 * sizeof(struct record) <= bytes)
		records *= 2;
	kernel->rodata->lane_records = records;
	bpf_map__set_max_entries(kernel->maps.lane_places, records * cpus);
	bpf_map__set_max_entries(kernel->maps.histograms, OPS * cpus);
	bpf_map__set_max_entries(kernel->maps.ring_counts, request->all ? MOST_RINGS + 1 : 1);
}

/* The value of an enumerator of the kernel, also of an enum without a name; `otherwise` if there is none. */
static int64_t enumerator(const struct btf *btf, const char *name, int64_t otherwise)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		if (!btf_is_enum(type))
			continue;
		const struct btf_enum *values = btf_enum(type);
		for (int i = 0; i < btf_vlen(type); i++)
			if (strcmp(btf__name_by_offset(btf, values[i].name_off), name) == 0)
				return values[i].val;
	}
	return otherwise;
}

/* Flag of requests that complete several times; its bit is not the same on all kernels. */
static uint64_t multishot_flag;

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
	kernel->rodata->stack_every = request->stack_every;
	if (request->stack_every)
		bpf_map__set_max_entries(kernel->maps.stacks, MOST_STACKS);
	set_filter(kernel, &request->filter);
	kernel->rodata->told_calls = told_calls(request);
	kernel->rodata->trace_posix_aio = request->apis[API_POSIX_AIO];
	kernel->rodata->trace_refusals = wanted(request) & FOR_REFUSALS;
	/* until 6.1 an entry that overflows is also completed */
	kernel->rodata->overflow_completes = major > 6 || (major == 6 && minor >= 2);
	kernel->rodata->multishot_flag = multishot_flag;
	size_maps(kernel, request);
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
	int64_t bit = enumerator(btf, "REQ_F_APOLL_MULTISHOT_BIT", -1);
	multishot_flag = bit >= 0 ? 1ULL << bit : 0;
	btf__free(btf);
	if (!is_possible(request, refusal))
		return NULL;
	struct kernel *kernel = load_kernel(request, refusal);
	if (!kernel)
		return NULL;
	struct programs *programs = resized(NULL, 1, sizeof(*programs));
	*programs = (struct programs){ .kernel = kernel, .cpus = cpu_count(), .lane_records = kernel->rodata->lane_records };
	for (uint32_t ring = 1; ring <= FIRST_RINGS; ring++)
		bpf_map__update_elem(kernel->maps.free_rings, NULL, 0, &ring, sizeof(ring), 0);
	programs->next_ring = FIRST_RINGS + 1;
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
	struct bpf_program *program = bpf_object__find_program_by_name(programs->kernel->obj, chosen[hook]->program);
	uint64_t offsets[MOST_OFFSETS];
	int count = library_offsets(path, HOOKS[hook].name, offsets);

	for (int i = 0; i < count; i++) {
		struct bpf_link *link = bpf_program__attach_uprobe(program, false, -1, path, offsets[i]);
		if (link) {
			set_state(hook, HOOK_ATTACHED, "");
			programs->probes = resized(programs->probes, programs->probe_count + 1, sizeof(*programs->probes));
			programs->probes[programs->probe_count++] = link;
		} else if (reports[hook].state != HOOK_ATTACHED) {
			char why[128];
			snprintf(why, sizeof(why), "the C library could not be probed: %s", strerror(errno));
			set_state(hook, HOOK_UNAVAILABLE, why);
		}
	}
}

static void probe_library(void *context, const char *path)
{
	struct programs *programs = context;

	if (!is_new(programs, path))
		return;
	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		if (chosen[i] && HOOKS[i].kind == KIND_LIBRARY)
			probe_function(programs, i, path);
}

static void probe_libraries(struct programs *programs, const struct programs_request *request)
{
	library_default(probe_library, programs);
	if (request->pid)
		library_of_process(request->pid, probe_library, programs);
	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		if (chosen[i] && HOOKS[i].kind == KIND_LIBRARY && reports[i].state == HOOK_CHOSEN)
			set_state(i, HOOK_UNAVAILABLE, "no C library here has the function");
}

void programs_probe(struct programs *programs, pid_t pid)
{
	bool any = false;

	for (uint32_t i = 0; i < HOOK_COUNT; i++)
		any = any || (chosen[i] && HOOKS[i].kind == KIND_LIBRARY);
	if (!any)
		return;
	library_of_process(pid, probe_library, programs);
}

bool programs_attach(struct programs *programs, struct programs_request *request, struct refusal *refusal)
{
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		if (!chosen[i] || HOOKS[i].kind == KIND_LIBRARY)
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
	/* last: a request that is seen has its end seen too */
	if (request->apis[API_POSIX_AIO])
		probe_libraries(programs, request);
	bool possible = is_possible(request, refusal);
	for (uint32_t i = 0; i < HOOK_COUNT; i++) {
		/* what was given up need not slow the machine */
		if (reports[i].state == HOOK_ATTACHED)
			continue;
		bpf_link__destroy(programs->links[i]);
		programs->links[i] = NULL;
	}
	return possible;
}

const struct hook_report *programs_hooks(uint32_t *count)
{
	*count = reports[0].name ? HOOK_COUNT : 0;
	return reports;
}

bool programs_track(struct programs *programs, uint32_t pid)
{
	uint8_t yes = 1;

	bool done = bpf_map__update_elem(programs->kernel->maps.tracked, &pid, sizeof(pid), &yes, sizeof(yes), BPF_ANY) == 0;
	programs->kernel->bss->strangers++;
	return done;
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

/* A few at a time: giving them all out at the start would take a while. */
static void give_out_rings(struct programs *programs)
{
	for (uint32_t i = 0; i < RINGS_A_TICK && programs->next_ring <= MOST_RINGS; i++, programs->next_ring++)
		bpf_map__update_elem(programs->kernel->maps.free_rings, NULL, 0, &programs->next_ring, sizeof(programs->next_ring), 0);
}

void programs_drain(struct programs *programs)
{
	give_out_rings(programs);
	/* in this order: what a record refers to was noticed before it, so the notice is there when the record is */
	ring_buffer__consume(programs->hot);
	ring_buffer__consume(programs->rare);
}

/* Maps an array of the kernel's into our memory; NULL with errno set. */
static void *map_array(const struct bpf_map *map, size_t bytes, int protection)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, (bytes + page - 1) / page * page, protection, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

bool programs_lanes(struct programs *programs, struct lanes *lanes)
{
	struct kernel *kernel = programs->kernel;
	size_t records = (size_t)programs->cpus * programs->lane_records;
	struct aggregates *aggregates = &programs->aggregates;

	programs->places = map_array(kernel->maps.lane_places, records * sizeof(struct record), PROT_READ | PROT_WRITE);
	*aggregates = (struct aggregates){
		.cpus = programs->cpus,
		.flights = map_array(kernel->maps.flights, FLIGHTS * sizeof(struct kernel_flight), PROT_READ | PROT_WRITE),
		.histograms = map_array(kernel->maps.histograms, (size_t)OPS * programs->cpus * sizeof(struct histogram), PROT_READ | PROT_WRITE),
	};
	if (kernel->rodata->trace_all)
		aggregates->rings = map_array(kernel->maps.ring_counts, (MOST_RINGS + 1) * sizeof(struct ring_count), PROT_READ);
	if (!programs->places || !aggregates->flights || !aggregates->histograms)
		return false;
	lanes_open(lanes, kernel->bss->lanes, programs->places, programs->cpus, programs->lane_records);
	lanes->overflow_completes = kernel->rodata->overflow_completes;
	return true;
}

struct aggregates programs_aggregates(const struct programs *programs)
{
	return programs->aggregates;
}

void programs_set_every(struct programs *programs, uint32_t every)
{
	programs->kernel->data->every = every;
}

void programs_free_ring(struct programs *programs, uint32_t ring, uint64_t context)
{
	uint32_t known;

	if (context && bpf_map__lookup_elem(programs->kernel->maps.rings, &context, sizeof(context), &known, sizeof(known), 0) == 0 &&
	    known == ring) {
		bpf_map__delete_elem(programs->kernel->maps.rings, &context, sizeof(context), 0);
		programs->kernel->bss->strangers++;
	}
	bpf_map__update_elem(programs->kernel->maps.free_rings, NULL, 0, &ring, sizeof(ring), 0);
}

uint32_t programs_stack(void *context, uint32_t place, uint64_t frames[STACK_DEPTH])
{
	struct programs *programs = context;
	uint32_t count = 0;

	memset(frames, 0, STACK_DEPTH * sizeof(*frames));
	if (bpf_map__lookup_elem(programs->kernel->maps.stacks, &place, sizeof(place), frames, STACK_DEPTH * sizeof(*frames), 0) != 0)
		return 0;
	while (count < STACK_DEPTH && frames[count])
		count++;
	return count;
}

struct counters programs_counters(const struct programs *programs)
{
	struct counters sum = { 0 };

	for (uint32_t cpu = 0; cpu < programs->cpus; cpu++) {
		const struct counters *one = &programs->kernel->bss->counters[cpu];
		for (int api = 0; api < API_COUNT; api++) {
			sum.submitted[api] += __atomic_load_n(&one->submitted[api], __ATOMIC_RELAXED);
			sum.completed[api] += __atomic_load_n(&one->completed[api], __ATOMIC_RELAXED);
		}
		sum.lost += __atomic_load_n(&one->lost, __ATOMIC_RELAXED);
		sum.lost_notices += __atomic_load_n(&one->lost_notices, __ATOMIC_RELAXED);
		const struct lane *lane = &programs->kernel->bss->lanes[cpu];
		uint64_t submissions = __atomic_load_n(&lane->lost_submissions, __ATOMIC_RELAXED);
		uint64_t completions = __atomic_load_n(&lane->lost_completions, __ATOMIC_RELAXED);
		/* they happened, even though they can not be told */
		sum.submitted[API_IO_URING] += submissions;
		sum.completed[API_IO_URING] += completions;
		sum.lost += submissions + completions + __atomic_load_n(&lane->lost_others, __ATOMIC_RELAXED);
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
	for (uint32_t i = 0; i < programs->probe_count; i++)
		bpf_link__destroy(programs->probes[i]);
	free(programs->probes);
	free(programs->libraries);
	ring_buffer__free(programs->hot);
	ring_buffer__free(programs->rare);
	kernel__destroy(programs->kernel);
	free(programs);
}
