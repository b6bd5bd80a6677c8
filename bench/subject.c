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
#include "counts.h"
#include "subject.h"

#define BATCH_ENTRIES 8192
#define PSN_SETS      8192 /* as the exporter has them by default */

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "bench: ");
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

/* Slots of a set, and how many IPv4 flow slots there are to one slot, as src/kernel/slot-sizing.ts
 * has them. */
static const struct {
	const char *name;
	__u32 ways;
	__u32 share;
} arrays[SLOT_ARRAYS] = {
	{"slots4", 4, 1},
	{"slots6", 4, 4},
	{"roce_slots4", 4, 4},
	{"roce_slots6", 4, 8},
};

/* log2 of the sets that share a mark. */
static __u8 block_shift(__u32 sets)
{
	__u8 shift = 0;

	while (shift < 6 && 2U << shift <= sets)
		shift++;
	return shift;
}

/* Sizes of the slot arrays and of their marks, for the maps and for the program. */
static void size_slots(struct subject *subject, __u32 slots_per_cpu, struct options *options)
{
	__u32 *const set_options[] = {&options->sets4, &options->sets6, &options->roce_sets4,
				      &options->roce_sets6};
	__u32 *const first_marks[] = {&options->first_mark4, &options->first_mark6,
				      &options->roce_first_mark4, &options->roce_first_mark6};
	__u8 *const shifts[] = {&options->block_shift4, &options->block_shift6,
				&options->roce_block_shift4, &options->roce_block_shift6};
	__u32 cpus = libbpf_num_possible_cpus(), marks_used = 0;

	for (int i = 0; i < SLOT_ARRAYS; i++) {
		struct slot_array *array = &subject->arrays[i];
		__u32 sets = slots_per_cpu / arrays[i].share / arrays[i].ways;

		if (!sets)
			sets = 1;
		*set_options[i] = sets;
		*shifts[i] = block_shift(sets);
		*first_marks[i] = array->first_mark = marks_used;
		array->blocks = cpus * (sets >> *shifts[i]);
		marks_used += HALVES * array->blocks;
		bpf_map__set_max_entries(array->map, HALVES * cpus * sets);
	}
	bpf_map__set_max_entries(bpf_object__find_map_by_name(subject->object, "slot_marks"),
				 marks_used / MARK_LINE_BYTES + 1);
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
		size_slots(subject, slots_per_cpu, options);
		options->hash_seed = 0x5eed1e55;
		options->roce = roce;
		options->psn_sets = PSN_SETS;
		/* no DSCP in keys, as the exporter has it by default */
		options->mask4.traits.qp &= 0xffffff;
		options->mask6.traits.qp &= 0xffffff;
	}
}

const char *program_name(__u32 index)
{
	static const char *const names[FLOW_INDEX] = {
		"empty",
		"baseline",
		"reference",
		"netobserv",
	};

	return index < FLOW_INDEX ? names[index] : "count_ethernet_frags";
}

struct bpf_program *open_subject(struct subject *subject, const char *path, const char *name,
				 __u32 slots_per_cpu)
{
	bool roce = strncmp(path, NO_ROCE, strlen(NO_ROCE));
	struct bpf_object *object;
	struct bpf_map *map;
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
	for (int i = 0; i < SLOT_ARRAYS; i++)
		subject->arrays[i].map = bpf_object__find_map_by_name(object, arrays[i].name);
	if (subject->arrays[0].map)
		set_options(subject, slots_per_cpu, roce);
	map = bpf_object__find_map_by_name(object, "roce_psn");
	if (map)
		bpf_map__set_max_entries(map, PSN_SETS);
	map = bpf_object__find_map_by_name(object, "roce_windows");
	if (map)
		bpf_map__set_max_entries(map, PSN_SETS * PSN_WAYS);
	return wanted;
}

void load_subject(struct subject *subject, const char *path, const char *name, __u32 slots_per_cpu)
{
	struct bpf_program *program = open_subject(subject, path, name, slots_per_cpu);

	if (bpf_object__load(subject->object))
		fail("load %s: %s", path, strerror(errno));
	subject->program = bpf_program__fd(program);
	if (!subject->arrays[0].map)
		return;
	subject->control = map_section(subject->object, ".bss", sizeof(*subject->control));
	for (int i = 0; i < SLOT_ARRAYS; i++)
		subject->arrays[i].memory =
			map_array(subject->arrays[i].map, &subject->arrays[i].bytes);
	subject->marks = map_array(bpf_object__find_map_by_name(subject->object, "slot_marks"),
				   &subject->mark_bytes);
}

void unload_subject(struct subject *subject)
{
	for (int i = 0; i < SLOT_ARRAYS; i++)
		if (subject->arrays[i].memory)
			munmap(subject->arrays[i].memory, subject->arrays[i].bytes);
	if (subject->marks)
		munmap(subject->marks, subject->mark_bytes);
	if (subject->control)
		munmap((void *)subject->control, sizeof(*subject->control));
	bpf_object__close(subject->object);
}

/* Takes one half's slots, block by marked block, and zeroes both, as the exporter does. Returns
 * their packets. */
static __u64 drain_slots(struct subject *subject, const struct slot_array *array, __u32 half)
{
	size_t half_bytes = array->bytes / HALVES, block_bytes = half_bytes / array->blocks;
	__u8 *memory = array->memory + half * half_bytes;
	__u8 *marks = subject->marks + array->first_mark + half * array->blocks;
	__u32 set_bytes = bpf_map__value_size(array->map);
	struct count_fields fields;
	__u64 packets = 0;

	find_count_fields(subject->object, array->map, &fields);
	for (__u32 block = 0; block < array->blocks; block++) {
		__u8 *sets = memory + block * block_bytes;

		if (!marks[block])
			continue;
		for (size_t at = 0; at < block_bytes; at += set_bytes)
			packets += take_counts(&fields, sets + at);
		memset(sets, 0, block_bytes);
		marks[block] = 0;
	}
	return packets;
}

/* Takes and deletes all entries of a hash; returns their packets, 0 where they count none by that
 * name. */
static __u64 drain_hash(struct subject *subject, struct bpf_map *map)
{
	__u32 value_bytes = bpf_map__value_size(map), position, count;
	__u8 *values = malloc((size_t)BATCH_ENTRIES * value_bytes);
	void *keys = malloc((size_t)BATCH_ENTRIES * bpf_map__key_size(map));
	struct count_fields fields;
	void *in = NULL;
	__u64 packets = 0;
	int error;

	if (!keys || !values)
		fail("no memory to drain %s", bpf_map__name(map));
	find_count_fields(subject->object, map, &fields);
	do {
		count = BATCH_ENTRIES;
		error = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), in, &position, keys,
							values, &count, NULL);
		if (error && errno != ENOENT)
			fail("drain %s: %s", bpf_map__name(map), strerror(errno));
		for (__u32 i = 0; i < count; i++)
			packets += take_counts(&fields, values + (size_t)i * value_bytes);
		in = &position;
	} while (!error);
	free(keys);
	free(values);
	return packets;
}

/* Whether a map is of this half, or of none: names end in _0 or _1. */
static bool is_of_half(const struct bpf_map *map, __u32 half)
{
	const char *name = bpf_map__name(map);
	const char *end = name + strlen(name) - 2;

	return end < name || end[0] != '_' || (end[1] != '0' && end[1] != '1') ||
	       end[1] == (char)('0' + half);
}

__u64 drain_subject(struct subject *subject)
{
	__u32 half = subject->control ? subject->control->epoch : 0;
	__u64 packets = 0;
	struct bpf_map *map;

	if (subject->control) {
		subject->control->refresh++;
		subject->control->epoch = !half;
	}
	for (int i = 0; i < SLOT_ARRAYS; i++)
		if (subject->arrays[i].memory)
			packets += drain_slots(subject, &subject->arrays[i], half);
	bpf_object__for_each_map(map, subject->object)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH && is_of_half(map, half))
			packets += drain_hash(subject, map);
	}
	return packets;
}
