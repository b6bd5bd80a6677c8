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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include "costs.h"
#include "cpu.h"
#include "driver.h"
#include "row.h"
#include "subject.h"

static struct row rows[ROWS_MAX];
static struct costs costs;

/* Nanoseconds per packet. */
static double run(int driver, struct row *row, __u32 packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = row->frame,
		    .data_size_in = row->frame_bytes, .repeat = packets);
	double start_ns = cpu_time_ns();

	if (bpf_prog_test_run_opts(driver, &options))
		fail("run of %s: %s", row->name, strerror(errno));
	if (options.retval != 2)
		fail("run of %s: returned %u, not XDP_PASS", row->name, options.retval);
	return (cpu_time_ns() - start_ns) / packets;
}

/* So many that each stream of a row is among them. */
#define KNOWING_PACKETS 131072

/* One measurement of every row. */
static void run_rows(char **paths, __u32 slots_per_cpu, __u32 round, __u32 packets)
{
	struct subject subjects[PROGRAMS_MAX] = {}, driver = {};
	struct driver_state *state;
	struct bpf_map *programs;

	load_subject(&driver, paths[0], "drive", 0);
	state = map_section(driver.object, ".bss", sizeof(*state));
	programs = bpf_object__find_map_by_name(driver.object, "programs");
	for (__u32 i = 0; i < costs.programs; i++) {
		load_subject(&subjects[i], paths[1 + i], program_name(i), slots_per_cpu);
		if (bpf_map_update_elem(bpf_map__fd(programs), &i, &subjects[i].program, 0))
			fail("cannot tail-call %s: %s", paths[1 + i], strerror(errno));
	}
	for (__u32 r = 0; r < costs.rows; r++) {
		for (__u32 i = 0; i < costs.programs; i++) {
			double ns;

			*state = rows[r].state;
			state->program = i;
			choose_flows(state, round);
			if (rows[r].state.psn_offset) {
				/* queue pairs live longer than an interval: their order is known */
				run(driver.program, &rows[r], KNOWING_PACKETS);
				drain_subject(&subjects[i]);
			}
			ns = run(driver.program, &rows[r], packets);
			costs.ns[r][round][i] =
				checked_cost(&rows[r], i, drain_subject(&subjects[i]), packets, ns);
		}
	}
	for (__u32 i = 0; i < costs.programs; i++)
		unload_subject(&subjects[i]);
	munmap(state, sizeof(*state));
	bpf_object__close(driver.object);
}

int main(int argc, char **argv)
{
	__u32 packets, slots_per_cpu;

	if (argc < 10 || argc - 5 > PROGRAMS_MAX)
		fail("usage: datapath PACKETS ROUNDS SLOTS_PER_CPU driver.o empty.o "
		     "baseline.o reference.o netobserv.o flow.o...");
	packets = atoi(argv[1]);
	costs.rounds = atoi(argv[2]);
	costs.programs = argc - 5;
	slots_per_cpu = atoi(argv[3]);
	if (!packets || !costs.rounds || costs.rounds > ROUNDS_MAX || !slots_per_cpu)
		fail("PACKETS, ROUNDS (at most %d) and SLOTS_PER_CPU are numbers from 1",
		     ROUNDS_MAX);
	pin_to_last_cpu();
	costs.rows = read_rows(rows);
	for (__u32 round = 0; round < costs.rounds; round++)
		run_rows(&argv[4], slots_per_cpu, round, packets);
	print_costs(&costs);
	return 0;
}
