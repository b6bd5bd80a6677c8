/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that is measured, and its maps.
 */
#ifndef XTRACE_BENCH_SUBJECT_H
#define XTRACE_BENCH_SUBJECT_H

#include <stddef.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "slot.h"

#define HALVES 2

/* Slots of flows and of RoCE, by IP version. */
#define SLOT_ARRAYS 4

struct slot_array {
	struct bpf_map *map; /* NULL where the program has none */
	__u8 *memory;
	size_t bytes;
	__u32 first_mark;
	__u32 blocks; /* of one half, each with a mark */
};

/* A program under test, with the maps it may have: the slots of both halves for ours, and any
 * hashes. */
struct subject {
	struct bpf_object *object;
	int program;
	volatile struct control *control; /* NULL: no halves */
	struct slot_array arrays[SLOT_ARRAYS];
	__u8 *marks; /* NULL where there are no slots */
	size_t mark_bytes;
};

/* Prints a sentence and ends the process. */
void fail(const char *format, ...);

/* The map that libbpf made of a section of global data, mapped; NULL where there is none. */
void *map_section(struct bpf_object *object, const char *section, size_t bytes);

/* The program of the n-th object that is compared: empty, baseline, reference, netobserv, and from
 * FLOW_INDEX on flow.bpf.o or variants of it. */
#define EMPTY_INDEX 0
#define FLOW_INDEX  4
const char *program_name(__u32 index);

/* Opens an object for loading one program of it with whatever maps it has, and returns that
 * program. A path with NO_ROCE before it: with the reading of RoCE headers switched off. */
#define NO_ROCE "no-roce:"
struct bpf_program *open_subject(struct subject *subject, const char *path, const char *program,
				 __u32 slots_per_cpu);

/* Opens and loads it. */
void load_subject(struct subject *subject, const char *path, const char *program,
		  __u32 slots_per_cpu);
void unload_subject(struct subject *subject);

/* Empties the maps as the exporter does once an interval, so that every run starts with an
 * empty half and pays for the insertion of its flows. No run may be under way. Returns the
 * packets counted since the last time. */
__u64 drain_subject(struct subject *subject);

#endif
