// SPDX-License-Identifier: Apache-2.0
/*
 * Loads the objects that are measured and empties their maps, knowing maps by their names
 * only. Measures nothing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "subject.h"

#define BATCH_ENTRIES 8192
#define PSN_SETS      4096

static const size_t slot_bytes[2] = {sizeof(struct flow_slot4), sizeof(struct flow_slot6)};
static const size_t packets_at[2] = {offsetof(struct flow_slot4, packets),
				     offsetof(struct flow_slot6, packets)};

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "datapath: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

void *map_section(struct bpf_object *object, const char *section, size_t bytes)
{
	struct bpf_map *map;
	void *memory;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		size_t length = strlen(name), wanted = strlen(section);

		if (length < wanted || strcmp(name + length - wanted, section))
			continue;
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
		if (memory == MAP_FAILED)
			fail("mmap %s: %s", name, strerror(errno));
		return memory;
	}
	return NULL;
}

static void *map_array(struct bpf_map *map, size_t *bytes)
{
	void *memory;

	*bytes = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		fail("mmap %s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

/* log2 of the sets that share a mark. */
static __u8 block_shift(__u32 sets)
{
	__u8 shift = 0;

	while (shift < 6 && 2U << shift <= sets)
		shift++;
	return shift;
}

/* Sets of one CPU and half, of the slots that are wanted of IPv4; IPv6 has a quarter of them. */
static __u32 sets_of(const struct subject *subject, int family, __u32 slots_per_cpu)
{
	__u32 ways = bpf_map__value_size(subject->slots[family]) / slot_bytes[family];
	__u32 sets = (family == 0 ? slots_per_cpu : slots_per_cpu / 4) / ways;

	return sets ? sets : 1;
}

/* Sizes of the slot arrays and of their marks, for the maps and for the program. */
static void size_slots(struct subject *subject, __u32 slots_per_cpu, struct options *options)
{
	__u32 *const sets[2] = {&options->sets4, &options->sets6};
	__u32 *const first_mark[2] = {&options->first_mark4, &options->first_mark6};
	__u8 *const shift[2] = {&options->block_shift4, &options->block_shift6};
	struct bpf_map *marks = bpf_object__find_map_by_name(subject->object, "slot_marks");
	__u32 cpus = libbpf_num_possible_cpus(), marks_used = 0;

	for (int family = 0; family < 2; family++) {
		*sets[family] = sets_of(subject, family, slots_per_cpu);
		*shift[family] = block_shift(*sets[family]);
		*first_mark[family] = marks_used;
		subject->first_mark[family] = marks_used;
		subject->blocks[family] = cpus * (*sets[family] >> *shift[family]);
		marks_used += HALVES * subject->blocks[family];
		bpf_map__set_max_entries(subject->slots[family], HALVES * cpus * *sets[family]);
	}
	bpf_map__set_max_entries(marks, marks_used / MARK_LINE_BYTES + 1);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(subject->object, "slot_states"),
				 cpus);
}

static void set_options(struct subject *subject, __u32 slots_per_cpu, bool roce)
{
	struct bpf_object *object = subject->object;
	struct options *options;
	struct bpf_map *map;
	size_t bytes;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		size_t length = strlen(name);

		if (length < 7 || strcmp(name + length - 7, ".rodata"))
			continue;
		options = (void *)bpf_map__initial_value(map, &bytes);
		if (!options || bytes < sizeof(*options) || options->abi_version != ABI_VERSION)
			fail("%s is not struct options", name);
		options->cpu_count = libbpf_num_possible_cpus();
		options->roce_sets4 = options->roce_sets6 = 1;
		size_slots(subject, slots_per_cpu, options);
		options->hash_seed = 0x5eed1e55;
		options->roce = roce;
		options->psn_sets = PSN_SETS;
		/* no DSCP in keys, as the exporter has it by default */
		options->mask4.traits.qp &= 0xffffff;
		options->mask6.traits.qp &= 0xffffff;
	}
}

void load_subject(struct subject *subject, const char *path, const char *name, __u32 slots_per_cpu)
{
	static const char *const slot_names[2] = {"slots4", "slots6"};
	static const char *const flow_names[2][HALVES] = {{"flows4_0", "flows4_1"},
							  {"flows6_0", "flows6_1"}};
	static const char *const plain_names[2] = {"flows4", "flows6"};
	bool roce = strncmp(path, NO_ROCE, strlen(NO_ROCE));
	struct bpf_object *object;
	struct bpf_map *psns;
	struct bpf_program *program, *wanted = NULL;

	if (!roce)
		path += strlen(NO_ROCE);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		fail("open %s: %s", path, strerror(errno));
	subject->object = object;
	bpf_object__for_each_program(program, object)
	{
		bool same = !strcmp(bpf_program__name(program), name);

		bpf_program__set_autoload(program, same);
		if (same)
			wanted = program;
	}
	if (!wanted)
		fail("%s has no program %s", path, name);
	for (int family = 0; family < 2; family++) {
		subject->slots[family] = bpf_object__find_map_by_name(object, slot_names[family]);
		for (int half = 0; half < HALVES; half++)
			subject->flows[family][half] =
				bpf_object__find_map_by_name(object, flow_names[family][half]);
		if (!subject->flows[family][0])
			subject->flows[family][0] =
				bpf_object__find_map_by_name(object, plain_names[family]);
	}
	if (subject->slots[0])
		set_options(subject, slots_per_cpu, roce);
	psns = bpf_object__find_map_by_name(object, "roce_psn");
	if (psns)
		bpf_map__set_max_entries(psns, PSN_SETS);
	if (bpf_object__load(object))
		fail("load %s: %s", path, strerror(errno));
	subject->program = bpf_program__fd(wanted);
	if (!subject->slots[0])
		return;
	subject->control = map_section(object, ".bss", sizeof(*subject->control));
	for (int family = 0; family < 2; family++)
		subject->slot_memory[family] =
			map_array(subject->slots[family], &subject->slot_memory_bytes[family]);
	subject->mark_memory = map_array(bpf_object__find_map_by_name(object, "slot_marks"),
					 &subject->mark_memory_bytes);
}

void unload_subject(struct subject *subject)
{
	for (int family = 0; family < 2; family++)
		if (subject->slot_memory[family])
			munmap(subject->slot_memory[family], subject->slot_memory_bytes[family]);
	if (subject->mark_memory)
		munmap(subject->mark_memory, subject->mark_memory_bytes);
	if (subject->control)
		munmap((void *)subject->control, sizeof(*subject->control));
	bpf_object__close(subject->object);
}

/* Takes one half's slots, block by marked block, and zeroes both, as the exporter does. Returns
 * their packets. */
static __u64 drain_slots(struct subject *subject, int family, __u32 half)
{
	__u32 blocks = subject->blocks[family];
	size_t half_bytes = subject->slot_memory_bytes[family] / HALVES;
	size_t block_bytes = half_bytes / blocks;
	__u8 *memory = subject->slot_memory[family] + half * half_bytes;
	__u8 *marks = subject->mark_memory + subject->first_mark[family] + half * blocks;
	__u64 packets = 0;

	for (__u32 block = 0; block < blocks; block++) {
		__u8 *slots = memory + block * block_bytes;

		if (!marks[block])
			continue;
		for (size_t at = 0; at < block_bytes; at += slot_bytes[family])
			packets += *(__u32 *)(slots + at + packets_at[family]);
		memset(slots, 0, block_bytes);
		marks[block] = 0;
	}
	return packets;
}

/* Takes and deletes all entries of a flow map; returns their packets. */
static __u64 drain_flows(struct bpf_map *map)
{
	static __u8 keys[BATCH_ENTRIES * sizeof(struct flow_key6)];
	static struct flow_count counts[BATCH_ENTRIES];
	__u32 position, count;
	void *in = NULL;
	__u64 packets = 0;
	int error;

	do {
		count = BATCH_ENTRIES;
		error = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), in, &position, keys,
							counts, &count, NULL);
		if (error && errno != ENOENT)
			fail("drain %s: %s", bpf_map__name(map), strerror(errno));
		for (__u32 i = 0; i < count; i++)
			packets += counts[i].packets;
		in = &position;
	} while (!error);
	return packets;
}

__u64 drain_subject(struct subject *subject)
{
	__u32 half = subject->control ? subject->control->epoch : 0;
	__u64 packets = 0;

	if (subject->control) {
		subject->control->refresh++;
		subject->control->epoch = !half;
	}
	for (int family = 0; family < 2; family++) {
		if (subject->slot_memory[family])
			packets += drain_slots(subject, family, half);
		if (subject->flows[family][half])
			packets += drain_flows(subject->flows[family][half]);
	}
	return packets;
}
