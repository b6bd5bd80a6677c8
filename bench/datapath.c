// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the programs of bench/ and bpf/ on made packets and prints what each costs, as
 * JSON. Native, because a run is a system call and nothing else should be in it. Called
 * by bench/datapath.ts, which holds the rows; knows maps by their names only.
 *
 * datapath PACKETS ROUNDS SETS_PER_CPU driver.o empty.o baseline.o flow.o...  < rows
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "driver.h"

#define FRAME_BYTES_MAX 256
#define BATCH_ENTRIES	8192
#define SLOT_BYTES	64
#define HALVES		2
#define ROWS_MAX	32
#define ROUNDS_MAX	64

/* A program under test, with the maps it may have: the slots and the flow maps of both
 * halves for ours; one hash for each family for the baseline, none for the empty one. */
struct subject {
	struct bpf_object *object;
	int program;
	volatile struct control *control; /* NULL: no halves */
	struct bpf_map *slots[2];
	__u8 *slot_memory[2]; /* by family, IPv4 first */
	size_t slot_memory_bytes[2];
	struct bpf_map *flows[2][HALVES];
};

struct row {
	char name[64];
	struct driver_state state;
	__u8 frame[FRAME_BYTES_MAX];
	__u32 frame_bytes;
	double cost_ns[ROUNDS_MAX][PROGRAMS_MAX];
};

static struct row rows[ROWS_MAX];
static __u32 row_count;

/* In the order of the arguments; all further objects are flow.bpf.o or variants of it. */
static const char *const PROGRAM_NAMES[] = {"empty", "baseline", "count_ethernet_frags"};

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "datapath: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

static double now_ns(void)
{
	struct timespec now;

	/* of this thread: what others on the machine take is not ours */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* The map that libbpf made of a section of global data, mapped. */
static void *map_section(struct bpf_object *object, const char *section, size_t bytes)
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

static void set_options(struct bpf_object *object, __u32 sets_per_cpu)
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
		if (!options || bytes < sizeof(*options))
			fail("%s is not struct options", name);
		options->cpu_count = libbpf_num_possible_cpus();
		options->sets_per_cpu = sets_per_cpu;
		options->hash_seed = 0x5eed1e55;
	}
}

static void load_subject(struct subject *subject, const char *path, const char *name,
			 __u32 sets_per_cpu)
{
	static const char *const slot_names[2] = {"slots4", "slots6"};
	static const char *const flow_names[2][HALVES] = {{"flows4_0", "flows4_1"},
							  {"flows6_0", "flows6_1"}};
	static const char *const plain_names[2] = {"flows4", "flows6"};
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program, *wanted = NULL;

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
		set_options(object, sets_per_cpu);
	if (bpf_object__load(object))
		fail("load %s: %s", path, strerror(errno));
	subject->program = bpf_program__fd(wanted);
	if (!subject->slots[0])
		return;
	subject->control = map_section(object, ".bss", sizeof(*subject->control));
	for (int family = 0; family < 2; family++)
		subject->slot_memory[family] =
			map_slots(subject->slots[family], &subject->slot_memory_bytes[family]);
}

static void unload_subject(struct subject *subject)
{
	for (int family = 0; family < 2; family++)
		if (subject->slot_memory[family])
			munmap(subject->slot_memory[family], subject->slot_memory_bytes[family]);
	if (subject->control)
		munmap((void *)subject->control, sizeof(*subject->control));
	bpf_object__close(subject->object);
}

/* Takes and clears one half's slots; returns their packets. */
static __u64 drain_slots(struct subject *subject, int family, __u32 half)
{
	size_t half_bytes = subject->slot_memory_bytes[family] / HALVES;
	__u8 *memory = subject->slot_memory[family] + half * half_bytes;
	size_t count_at = family == 0 ? sizeof(struct flow_key4) : sizeof(struct flow_key6);
	__u64 packets = 0;

	for (size_t at = 0; at < half_bytes; at += SLOT_BYTES)
		packets += ((struct flow_count *)(memory + at + count_at))->packets;
	memset(memory, 0, half_bytes);
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

/* As the exporter does once an interval, so that every run starts with an empty half and
 * pays for the insertion of its flows. Returns the packets counted since the last time.
 */
static __u64 drain(struct subject *subject)
{
	__u32 half = subject->control ? subject->control->epoch : 0;
	__u64 packets = 0;

	if (subject->control)
		subject->control->epoch = !half;
	for (int family = 0; family < 2; family++) {
		if (subject->slot_memory[family])
			packets += drain_slots(subject, family, half);
		if (subject->flows[family][half])
			packets += drain_flows(subject->flows[family][half]);
	}
	return packets;
}

/* Nanoseconds per packet. */
static double run(int driver, struct row *row, __u32 packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = row->frame,
		    .data_size_in = row->frame_bytes, .repeat = packets);
	double start_ns = now_ns();

	if (bpf_prog_test_run_opts(driver, &options))
		fail("run of %s: %s", row->name, strerror(errno));
	if (options.retval != 2)
		fail("run of %s: returned %u, not XDP_PASS", row->name, options.retval);
	return (now_ns() - start_ns) / packets;
}

/* A row: NAME FLOWS BURST ADDRESS_OFFSET PORT_OFFSET FRAME_HEX. */
static bool read_row(struct row *row)
{
	char hex[2 * FRAME_BYTES_MAX + 1];

	memset(row, 0, sizeof(*row));
	if (scanf("%63s %u %u %u %u %512s", row->name, &row->state.flows, &row->state.burst,
		  &row->state.address_offset, &row->state.port_offset, hex) != 6)
		return false;
	row->frame_bytes = strlen(hex) / 2;
	for (__u32 i = 0; i < row->frame_bytes; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &row->frame[i]) != 1)
			fail("frame of %s is not hexadecimal", row->name);
	return true;
}

static void pin_to_last_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity: %s", strerror(errno));
}

/* One measurement of every row. */
static void run_rows(char **paths, __u32 count, __u32 sets_per_cpu, __u32 round, __u32 packets)
{
	struct subject subjects[PROGRAMS_MAX] = {}, driver = {};
	struct driver_state *state;
	struct bpf_map *programs;

	load_subject(&driver, paths[0], "drive", 0);
	state = map_section(driver.object, ".bss", sizeof(*state));
	programs = bpf_object__find_map_by_name(driver.object, "programs");
	for (__u32 i = 0; i < count; i++) {
		load_subject(&subjects[i], paths[1 + i], PROGRAM_NAMES[i < 2 ? i : 2],
			     sets_per_cpu);
		if (bpf_map_update_elem(bpf_map__fd(programs), &i, &subjects[i].program, 0))
			fail("cannot tail-call %s: %s", paths[1 + i], strerror(errno));
	}
	for (__u32 r = 0; r < row_count; r++) {
		for (__u32 i = 0; i < count; i++) {
			__u64 counted;

			*state = rows[r].state;
			state->program = i;
			/* other flows each round, the same for each program: which of
			 * them collide is luck */
			state->first_address = 0x0a000000 + (round << 17);
			state->random = 0x9e3779b9 + round;
			rows[r].cost_ns[round][i] = run(driver.program, &rows[r], packets);
			counted = drain(&subjects[i]);
			if (i && counted != packets)
				fail("%s: %s counted %llu of %u packets", rows[r].name,
				     paths[1 + i], counted, packets);
		}
	}
	for (__u32 i = 0; i < count; i++)
		unload_subject(&subjects[i]);
	munmap(state, sizeof(*state));
	bpf_object__close(driver.object);
}

static void print_rows(__u32 count, __u32 rounds)
{
	printf("[");
	for (__u32 r = 0; r < row_count; r++) {
		printf("%s\n{\"name\":\"%s\",\"flows\":%u,\"burst\":%u,\"rounds\":[", r ? "," : "",
		       rows[r].name, rows[r].state.flows, rows[r].state.burst);
		for (__u32 round = 0; round < rounds; round++) {
			printf("%s[", round ? "," : "");
			for (__u32 i = 0; i < count; i++)
				printf("%s%.2f", i ? "," : "", rows[r].cost_ns[round][i]);
			printf("]");
		}
		printf("]}");
	}
	printf("\n]\n");
}

int main(int argc, char **argv)
{
	__u32 packets, rounds, sets_per_cpu, count = argc - 5;

	if (argc < 8 || count > PROGRAMS_MAX)
		fail("usage: datapath PACKETS ROUNDS SETS_PER_CPU driver.o empty.o "
		     "baseline.o flow.o...");
	packets = atoi(argv[1]);
	rounds = atoi(argv[2]);
	sets_per_cpu = atoi(argv[3]);
	if (!packets || !rounds || rounds > ROUNDS_MAX || !sets_per_cpu)
		fail("PACKETS, ROUNDS (at most %d) and SETS_PER_CPU are numbers from 1",
		     ROUNDS_MAX);
	pin_to_last_cpu();
	while (row_count < ROWS_MAX && read_row(&rows[row_count]))
		row_count++;
	for (__u32 round = 0; round < rounds; round++)
		run_rows(&argv[4], count, sets_per_cpu, round, packets);
	print_rows(count, rounds);
	return 0;
}
