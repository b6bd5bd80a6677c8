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

/* A program under test, with the maps it may have: the slots and the flow maps of both
 * halves for ours; one hash for each family for the baseline, none for the empty one. */
struct subject {
	struct bpf_object *object;
	int program;
	volatile struct control *control; /* NULL: no halves */
	struct bpf_map *slots[2];
	__u8 *slot_memory[2]; /* by family, IPv4 first */
	size_t slot_memory_bytes[2];
	__u32 blocks[2];     /* of one half: marks, first half first */
	__u32 first_mark[2]; /* ... from this byte of mark_memory on */
	__u8 *mark_memory;
	size_t mark_memory_bytes;
	struct bpf_map *flows[2][HALVES];
};

/* Prints a sentence and ends the process. */
void fail(const char *format, ...);

/* The map that libbpf made of a section of global data, mapped; NULL where there is none. */
void *map_section(struct bpf_object *object, const char *section, size_t bytes);

/* Loads one program of an object with whatever maps it has. A path with NO_ROCE before it: with
 * the reading of RoCE headers switched off. */
#define NO_ROCE "no-roce:"
void load_subject(struct subject *subject, const char *path, const char *program,
		  __u32 slots_per_cpu);
void unload_subject(struct subject *subject);

/* Empties the maps as the exporter does once an interval, so that every run starts with an
 * empty half and pays for the insertion of its flows. No run may be under way. Returns the
 * packets counted since the last time. */
__u64 drain_subject(struct subject *subject);

#endif
