// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * While not every operation is told, they are paired here: each one's submission waits in a table for its completion, and
 * its latency goes into a histogram. One in `every` is told besides, with all its records.
 */
#ifndef RINGLIGHT_AGGREGATE_BPF_H
#define RINGLIGHT_AGGREGATE_BPF_H

#include "lane.bpf.h"
#include "rings.bpf.h"

/* 1: every operation is told; more: one in so many; 0: none. The loader changes it at any time. */
volatile __u32 every = 1;
/* REQ_F_APOLL_MULTISHOT of this kernel: its bit has moved. Set by the loader. */
const volatile __u64 multishot_flag = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FLIGHTS);
	__type(key, __u32);
	__type(value, struct kernel_flight);
} flights SEC(".maps");

/* Those whose place in `flights` was taken. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct kernel_flight);
} more_flights SEC(".maps");

/* Opcode of a request that completes several times, by ring and user_data: these completions do not name it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u8);
} shots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OPS);	/* for each CPU */
	__type(key, __u32);
	__type(value, struct histogram);
} histograms SEC(".maps");

#define SHOT_SAMPLED 0x80

/* Operations that the maps above had no place for. They are told, as if everything was, and count by that. */
static __u64 unkept;

#define OP_MSG_RING 40

static __always_inline __u64 shot_key(__u32 ring, __u64 user_data)
{
	return user_data ^ (__u64)ring << 48;
}

static __always_inline struct kernel_flight *flight_place(__u64 key)
{
	__u32 index = (key >> 4) * 0x9e3779b97f4a7c15ULL >> (64 - FLIGHT_BITS);

	return bpf_map_lookup_elem(&flights, &index);
}

/* Whether the operation that is being submitted is one of the sample. */
static __always_inline bool is_sampled(struct lane *lane, __u32 one_in)
{
	if (!one_in || ++lane->sample < one_in)
		return false;
	lane->sample = 0;
	return true;
}

/* The operation of the request at `key`, or null. */
static __always_inline struct kernel_flight *flight_of(__u64 key)
{
	struct kernel_flight *place = flight_place(key);

	if (place && place->key == key)
		return place;
	return bpf_map_lookup_elem(&more_flights, &key);
}

#define LATENCY_UNKNOWN (~0ULL)

/* Not inline: the verifier would look at the histogram's steps on each of many ways here. */
__weak __noinline int count_completion(__u32 op, __u64 latency, __s32 res, __u32 punted)
{
	__u32 index = this_cpu() * OPS + (op & (OPS - 1));
	struct histogram *histogram = bpf_map_lookup_elem(&histograms, &index);

	if (!histogram)
		return 0;
	add(&histogram->count, 1);
	if (res > 0)
		add(&histogram->bytes, res);
	else if (is_failure(op, res))
		add(&histogram->errors, 1);
	if (punted)
		add(&histogram->punted, 1);
	if (latency == LATENCY_UNKNOWN)
		return 0;
	__u32 step = step_of(latency);
	if (step < STEPS)
		__sync_fetch_and_add(&histogram->steps[step], 1);
	if (latency > histogram->max)
		histogram->max = latency;
	return 0;
}

/* Whether there was a place for it. */
static __always_inline bool flight_begin(__u64 key, const struct kernel_flight *flight)
{
	struct kernel_flight *place = flight_place(key);

	if (!place)
		return false;
	if (place->key && place->key != key)
		return bpf_map_update_elem(&more_flights, &key, flight, BPF_ANY) == 0;
	/* its address comes again: it was done, and wanted no completion, or the completion found its queue full */
	if (place->key) {
		count_completion(place->op, LATENCY_UNKNOWN, 0, place->punted);
		if (place->quiet)
			add(&my_counters()->completed[API_IO_URING], !place->sampled);
	}
	*place = *flight;
	return true;
}

/* Keeps what is needed until the operation completes; false when there is no place. */
static __always_inline bool keep(const struct kernel_flight *flight)
{
	__u64 shot = shot_key(flight->ring, flight->user_data);
	__u8 op = flight->op | (flight->sampled ? SHOT_SAMPLED : 0);

	if (!flight->multishot || bpf_map_update_elem(&shots, &shot, &op, BPF_ANY) == 0) {
		if (flight_begin(flight->key, flight))
			return true;
		if (flight->multishot)
			bpf_map_delete_elem(&shots, &shot);
	}
	add(&unkept, 1);
	return false;
}

static __always_inline void flight_end(__u64 key, struct kernel_flight *flight)
{
	if (flight_place(key) == flight)
		flight->key = 0;
	else
		bpf_map_delete_elem(&more_flights, &key);
}

/*
 * A completion while not every operation is told; whether it is to be told as well. One of a request that is not in the
 * table belongs to what was submitted before the mode changed, or was not kept: it is told, and not counted.
 */
static __always_inline bool aggregate_completion(__u64 key, __u64 now, __u32 ring, __u64 user_data, __s32 res)
{
	__u64 shot = shot_key(ring, user_data);

	if (!key) {
		__u8 *op = bpf_map_lookup_elem(&shots, &shot);
		if (!op && unkept)
			return true;
		count_completion(op ? *op & (OPS - 1) : OP_MSG_RING, LATENCY_UNKNOWN, res, false);
		return op && *op & SHOT_SAMPLED;
	}
	struct kernel_flight *flight = flight_of(key);
	if (!flight)
		return true;
	bool sampled = flight->sampled;
	count_completion(flight->op, now > flight->time ? now - flight->time : 0, res, flight->punted);
	if (flight->multishot)
		bpf_map_delete_elem(&shots, &shot);
	flight_end(key, flight);
	return sampled;
}

#endif
