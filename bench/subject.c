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
#define SLOT_BYTES    64
#define PSN_SETS      8192
#define ROCE_SETS     16384

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

static void *map_slots(struct bpf_map *map, size_t *bytes)
{
	void *memory;

	*bytes = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		fail("mmap %s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

static void set_options(struct bpf_object *object, __u32 sets_per_cpu, bool roce)
{
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
		options->sets_per_cpu = sets_per_cpu;
		options->hash_seed = 0x5eed1e55;
		options->roce = roce;
		options->psn_sets = PSN_SETS;
		options->roce_sets4 = ROCE_SETS;
		options->roce_sets6 = ROCE_SETS;
		/* no DSCP in keys, as the exporter has it by default */
		options->mask4.traits.qp &= 0xffffff;
		options->mask6.traits.qp &= 0xffffff;
	}
}

void load_subject(struct subject *subject, const char *path, const char *name, __u32 sets_per_cpu)
{
	static const char *const slot_names[2] = {"slots4", "slots6"};
	static const char *const flow_names[2][HALVES] = {{"flows4_0", "flows4_1"},
							  {"flows6_0", "flows6_1"}};
	static const char *const roce_names[2] = {"roce_slots4", "roce_slots6"};
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
		if (subject->slots[family])
			bpf_map__set_max_entries(subject->slots[family],
						 HALVES * libbpf_num_possible_cpus() *
							 sets_per_cpu);
		for (int half = 0; half < HALVES; half++)
			subject->flows[family][half] =
				bpf_object__find_map_by_name(object, flow_names[family][half]);
		if (!subject->flows[family][0])
			subject->flows[family][0] =
				bpf_object__find_map_by_name(object, plain_names[family]);
	}
	if (subject->slots[0])
		set_options(object, sets_per_cpu, roce);
	psns = bpf_object__find_map_by_name(object, "roce_psn");
	if (psns)
		bpf_map__set_max_entries(psns, PSN_SETS);
	psns = bpf_object__find_map_by_name(object, "roce_windows");
	if (psns)
		bpf_map__set_max_entries(psns, PSN_SETS * 4);
	for (int family = 0; family < 2; family++) {
		subject->roce_slots[family] =
			bpf_object__find_map_by_name(object, roce_names[family]);
		if (subject->roce_slots[family])
			bpf_map__set_max_entries(subject->roce_slots[family],
						 HALVES * libbpf_num_possible_cpus() * ROCE_SETS);
	}
	if (bpf_object__load(object))
		fail("load %s: %s", path, strerror(errno));
	subject->program = bpf_program__fd(wanted);
	if (!subject->slots[0])
		return;
	subject->control = map_section(object, ".bss", sizeof(*subject->control));
	for (int family = 0; family < 2; family++)
		subject->slot_memory[family] =
			map_slots(subject->slots[family], &subject->slot_memory_bytes[family]);
	for (int family = 0; family < 2; family++)
		if (subject->roce_slots[family])
			subject->roce_memory[family] = map_slots(
				subject->roce_slots[family], &subject->roce_memory_bytes[family]);
}

void unload_subject(struct subject *subject)
{
	for (int family = 0; family < 2; family++)
		if (subject->slot_memory[family])
			munmap(subject->slot_memory[family], subject->slot_memory_bytes[family]);
	for (int family = 0; family < 2; family++)
		if (subject->roce_memory[family])
			munmap(subject->roce_memory[family], subject->roce_memory_bytes[family]);
	if (subject->control)
		munmap((void *)subject->control, sizeof(*subject->control));
	bpf_object__close(subject->object);
}

/* Takes one half's slots, zeroing counts and leaving keys, as the exporter does. Returns
 * their packets. */
static __u64 drain_slots(struct subject *subject, int family, __u32 half)
{
	size_t half_bytes = subject->slot_memory_bytes[family] / HALVES;
	__u8 *memory = subject->slot_memory[family] + half * half_bytes;
	size_t count_at = family == 0 ? sizeof(struct flow_key4) : sizeof(struct flow_key6);
	__u64 packets = 0;

	for (size_t at = 0; at < half_bytes; at += SLOT_BYTES) {
		struct flow_count *count = (void *)(memory + at + count_at);

		packets += count->packets;
		memset(count, 0, sizeof(*count));
	}
	return packets;
}

/* Takes one half's RoCE slots. */
static __u64 drain_roce_slots(struct subject *subject, int family, __u32 half)
{
	size_t half_bytes = subject->roce_memory_bytes[family] / HALVES;
	__u8 *memory = subject->roce_memory[family] + half * half_bytes;
	size_t slot_bytes = family == 0 ? sizeof(struct roce_slot4) : sizeof(struct roce_slot6);
	__u64 packets = 0;

	for (size_t at = 0; at < half_bytes; at += slot_bytes) {
		struct roce_slot4 *slot4 = (void *)(memory + at);
		struct roce_slot6 *slot6 = (void *)slot4;

		packets += family == 0 ? slot4->packets - slot4->strayed_packets
				       : slot6->packets - slot6->strayed_packets;
		memset(memory + at, 0, slot_bytes);
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

	if (subject->control)
		subject->control->epoch = !half;
	for (int family = 0; family < 2; family++) {
		if (subject->slot_memory[family])
			packets += drain_slots(subject, family, half);
		if (subject->roce_memory[family])
			packets += drain_roce_slots(subject, family, half);
		if (subject->flows[family][half])
			packets += drain_flows(subject->flows[family][half]);
	}
	return packets;
}
