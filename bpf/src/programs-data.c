// SPDX-License-Identifier: MIT
#include "programs-state.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_STACKS 16384
/* Bytes of a lane, and of all lanes together: they are taken from the kernel's memory at once. */
#define LANE_BYTES (16u << 20)
#define MOST_LANE_BYTES (128u << 20)
#define LEAST_LANE_BYTES (1u << 20)
#define MOST_RINGS 65535
/* Numbers that are there to be taken between two of our turns. */
#define RINGS_AHEAD 8192
/* What a CPU that does nothing else can write. */
#define LANE_RECORDS_A_NS 0.01
#define BUFFER_BYTES_A_NS 0.1

/* CPUs that may come up, as the programs number them. */
static uint32_t cpu_count(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus < 1 ? 1 : cpus > MAX_CPUS ? MAX_CPUS : cpus;
}

void programs_size_maps(struct kernel *kernel, const struct programs_request *request)
{
	uint32_t cpus = cpu_count(), bytes = request->ring_buffer ? request->ring_buffer : LANE_BYTES, records = 1;

	while (!request->ring_buffer && (uint64_t)bytes * cpus > MOST_LANE_BYTES && bytes > LEAST_LANE_BYTES)
		bytes /= 2;
	while (records * 2 * sizeof(struct record) <= bytes)
		records *= 2;
	kernel->rodata->lane_records = records;
	bpf_map__set_max_entries(kernel->maps.lane_places, records * cpus);
	bpf_map__set_max_entries(kernel->maps.histograms, OPS * cpus);
	if (request->stack_every)
		bpf_map__set_max_entries(kernel->maps.stacks, MOST_STACKS);
	bpf_map__set_max_entries(kernel->maps.ring_counts, request->all ? MOST_RINGS + 1 : 1);
}

/* Ring numbers that nobody has had, as many as were taken. */
static void give_out_rings(struct programs *programs)
{
	uint32_t until = programs->last_ring + RINGS_AHEAD;

	for (; programs->next_ring <= until && programs->next_ring <= MOST_RINGS; programs->next_ring++)
		bpf_map__update_elem(programs->kernel->maps.free_rings, NULL, 0, &programs->next_ring, sizeof(programs->next_ring), 0);
}

void programs_open_data(struct programs *programs)
{
	programs->cpus = cpu_count();
	programs->next_ring = 1;
	give_out_rings(programs);
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

	programs->drained += size + BPF_RINGBUF_HDR_SZ;
	if (size >= sizeof(struct record))
		programs->records(programs->context, data);
	return 0;
}

static int take_notice(void *context, void *data, size_t size)
{
	struct programs *programs = context;
	const struct notice *notice = data;

	programs->drained += size + BPF_RINGBUF_HDR_SZ;
	if (size < sizeof(struct notice))
		return 0;
	if (notice->kind == NOTICE_RING && notice->ring > programs->last_ring)
		programs->last_ring = notice->ring;
	programs->notices(programs->context, notice, size);
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

/* Takes all that is in a buffer. Returns the share of it that it was. */
static double drain(struct programs *programs, struct ring_buffer *buffer, const struct bpf_map *map)
{
	programs->drained = 0;
	ring_buffer__consume(buffer);
	return (double)programs->drained / bpf_map__max_entries(map);
}

double programs_drain(struct programs *programs)
{
	/* in this order: what a record refers to was noticed before it, so the notice is there when the record is */
	double hot = drain(programs, programs->hot, programs->kernel->maps.records);
	double rare = drain(programs, programs->rare, programs->kernel->maps.notices);
	give_out_rings(programs);
	return hot > rare ? hot : rare;
}

uint64_t programs_patience(const struct programs *programs, uint64_t most)
{
	double lane = programs->kernel->rodata->lane_records / LANE_RECORDS_A_NS;
	double buffer = bpf_map__max_entries(programs->kernel->maps.records) / (BUFFER_BYTES_A_NS * programs->cpus);
	double least = (lane < buffer ? lane : buffer) / 2;

	return least < most ? least : most;
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
	size_t records = (size_t)programs->cpus * programs->kernel->rodata->lane_records;
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
	lanes_open(lanes, kernel->bss->lanes, programs->places, programs->cpus, programs->kernel->rodata->lane_records);
	lanes->overflow_completes = kernel->rodata->overflow_completes;
	return true;
}

struct aggregates programs_aggregates(const struct programs *programs)
{
	return programs->aggregates;
}

bool programs_count_operations(const struct programs *programs)
{
	return !bpf_program__autoload(programs->kernel->progs.uring_old_complete);
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
