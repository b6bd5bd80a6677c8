// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the programs of bench/ and bpf/ on made packets and prints what each costs, as
 * JSON. Native, because a run is a system call and nothing else should be in it. Called
 * by bench/datapath.ts, which holds the rows.
 *
 * datapath PACKETS ROUNDS SLOTS_PER_CPU driver.o empty.o baseline.o reference.o netobserv.o
 *          [no-roce:]flow.o...  < rows
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "driver.h"
#include "row.h"
#include "subject.h"

#define ROWS_MAX   32
#define ROUNDS_MAX 64
#define FLOW_INDEX 4 /* of flow.o among the programs */

static struct row rows[ROWS_MAX];
static double cost_ns[ROWS_MAX][ROUNDS_MAX][PROGRAMS_MAX];
static __u32 row_count;

/* In the order of the arguments; all further objects are flow.bpf.o or variants of it. */
static const char *const PROGRAM_NAMES[FLOW_INDEX + 1] = {
	"empty", "baseline", "reference", "netobserv", "count_ethernet_frags",
};

static double now_ns(void)
{
	struct timespec now;

	/* of this thread: what others on the machine take is not ours */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
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

static void pin_to_last_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity: %s", strerror(errno));
}

/* One measurement of every row. */
static void run_rows(char **paths, __u32 count, __u32 slots_per_cpu, __u32 round, __u32 packets)
{
	struct subject subjects[PROGRAMS_MAX] = {}, driver = {};
	struct driver_state *state;
	struct bpf_map *programs;

	load_subject(&driver, paths[0], "drive", 0);
	state = map_section(driver.object, ".bss", sizeof(*state));
	programs = bpf_object__find_map_by_name(driver.object, "programs");
	for (__u32 i = 0; i < count; i++) {
		load_subject(&subjects[i], paths[1 + i],
			     PROGRAM_NAMES[i < FLOW_INDEX ? i : FLOW_INDEX], slots_per_cpu);
		if (bpf_map_update_elem(bpf_map__fd(programs), &i, &subjects[i].program, 0))
			fail("cannot tail-call %s: %s", paths[1 + i], strerror(errno));
	}
	for (__u32 r = 0; r < row_count; r++) {
		for (__u32 i = 0; i < count; i++) {
			__u64 counted;

			*state = rows[r].state;
			state->program = i;
			choose_flows(state, round);
			cost_ns[r][round][i] = run(driver.program, &rows[r], packets);
			counted = drain_subject(&subjects[i]);
			if (i && !counted && i < FLOW_INDEX)
				cost_ns[r][round][i] = NAN; /* none of its packets */
			else if (i && counted != packets)
				fail("%s: %s counted %llu of %u packets", rows[r].name,
				     paths[1 + i], counted, packets);
		}
	}
	for (__u32 i = 0; i < count; i++)
		unload_subject(&subjects[i]);
	munmap(state, sizeof(*state));
	bpf_object__close(driver.object);
}

/* For each row its rounds, for each round the cost of every program. */
static void print_rows(__u32 count, __u32 rounds)
{
	printf("[");
	for (__u32 r = 0; r < row_count; r++) {
		printf("%s\n[", r ? "," : "");
		for (__u32 round = 0; round < rounds; round++) {
			printf("%s[", round ? "," : "");
			for (__u32 i = 0; i < count; i++) {
				const char *comma = i ? "," : "";

				if (isnan(cost_ns[r][round][i]))
					printf("%snull", comma);
				else
					printf("%s%.2f", comma, cost_ns[r][round][i]);
			}
			printf("]");
		}
		printf("]");
	}
	printf("\n]\n");
}

int main(int argc, char **argv)
{
	__u32 packets, rounds, slots_per_cpu, count = argc - 5;
	int found;

	if (argc < 10 || count > PROGRAMS_MAX)
		fail("usage: datapath PACKETS ROUNDS SLOTS_PER_CPU driver.o empty.o "
		     "baseline.o reference.o netobserv.o flow.o...");
	packets = atoi(argv[1]);
	rounds = atoi(argv[2]);
	slots_per_cpu = atoi(argv[3]);
	if (!packets || !rounds || rounds > ROUNDS_MAX || !slots_per_cpu)
		fail("PACKETS, ROUNDS (at most %d) and SLOTS_PER_CPU are numbers from 1",
		     ROUNDS_MAX);
	pin_to_last_cpu();
	while ((found = row_count < ROWS_MAX ? read_row(&rows[row_count]) : 0) > 0)
		row_count++;
	if (found < 0)
		fail("row %u is no row", row_count + 1);
	for (__u32 round = 0; round < rounds; round++)
		run_rows(&argv[4], count, slots_per_cpu, round, packets);
	print_rows(count, rounds);
	return 0;
}
