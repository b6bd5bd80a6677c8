// SPDX-License-Identifier: Apache-2.0
/*
 * Attaches the programs of bench/ and bpf/ in turn to an interface that another process sends
 * to, and prints what the kernel says each took, as JSON. The kernel keeps such statistics while
 * this process holds a descriptor of theirs, so they end with it, however it ends. Called by
 * bench/datapath-real.ts, in the namespace of the interface.
 *
 * datapath-real PACKETS ROUNDS SLOTS_PER_CPU INTERFACE SENDER empty.o baseline.o reference.o
 *               netobserv.o [no-roce:]flow.o...  < rows
 *
 * PACKETS: of each run; more where that is less than PACKETS_PER_FLOW of each flow.
 * SENDER: a command; packets and the number of the round are put behind it, the row is its input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include "costs.h"
#include "cpu.h"
#include "row.h"
#include "subject.h"

/* So that a run is not the insertion of flows alone. */
#define PACKETS_PER_FLOW  4
#define COMMAND_BYTES_MAX 1024
/* What the sender has sent, the interface has in a moment: 10 s at most. */
#define WAITS_MAX 10000
#define WAIT_NS	  1000000

static struct row rows[ROWS_MAX];
static struct costs costs;

/* What is the same in all runs. */
struct setting {
	__u32 packets;
	int ifindex;
	const char *sender;
};

/* So far. */
struct statistics {
	__u64 runs;
	__u64 time_ns;
};

static struct statistics read_statistics(const struct subject *subject)
{
	struct bpf_prog_info info = {};
	__u32 info_bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(subject->program, &info, &info_bytes))
		fail("statistics: %s", strerror(errno));
	return (struct statistics){.runs = info.run_cnt, .time_ns = info.run_time_ns};
}

static __u32 packets_of(const struct setting *setting, const struct row *row)
{
	__u32 least = PACKETS_PER_FLOW * row->state.flows;

	return setting->packets < least ? least : setting->packets;
}

static void send_row(const struct setting *setting, const struct row *row, __u32 round)
{
	char command[COMMAND_BYTES_MAX];
	FILE *sender;

	if (snprintf(command, sizeof(command), "%s %u %u", setting->sender,
		     packets_of(setting, row), round) >= (int)sizeof(command))
		fail("a command of more than %d bytes", COMMAND_BYTES_MAX);
	sender = popen(command, "w");
	if (!sender)
		fail("%s: %s", command, strerror(errno));
	write_row(sender, row);
	if (pclose(sender))
		fail("the sender did not send all of %s", row->name);
}

/* Nanoseconds per packet, as checked_cost() has it. */
static double run(const struct setting *setting, struct subject *subject, const struct row *row,
		  __u32 round, __u32 index)
{
	const struct timespec wait = {.tv_nsec = WAIT_NS};
	struct statistics before, after;
	__u32 packets = packets_of(setting, row);
	__u64 counted, runs = 0;

	if (bpf_xdp_attach(setting->ifindex, subject->program, XDP_FLAGS_DRV_MODE, NULL))
		fail("attach %s: %s", program_name(index), strerror(errno));
	before = read_statistics(subject);
	send_row(setting, row, round);
	for (int waits = 0; waits < WAITS_MAX && runs < packets; waits++) {
		after = read_statistics(subject);
		runs = after.runs - before.runs;
		if (runs < packets)
			nanosleep(&wait, NULL);
	}
	counted = drain_subject(subject);
	if (runs != packets)
		fail("%s: %s ran %llu times for %u packets", row->name, program_name(index), runs,
		     packets);
	return checked_cost(row, index, counted, packets,
			    (double)(after.time_ns - before.time_ns) / runs);
}

static void run_rows(const struct setting *setting, char **paths, __u32 slots_per_cpu, __u32 round)
{
	struct subject subjects[PROGRAMS_MAX] = {};

	for (__u32 i = 0; i < costs.programs; i++)
		load_subject(&subjects[i], paths[i], program_name(i), slots_per_cpu);
	for (__u32 r = 0; r < costs.rows; r++)
		for (__u32 i = 0; i < costs.programs; i++)
			costs.ns[r][round][i] = run(setting, &subjects[i], &rows[r], round, i);
	if (bpf_xdp_detach(setting->ifindex, XDP_FLAGS_DRV_MODE, NULL))
		fail("detach: %s", strerror(errno));
	for (__u32 i = 0; i < costs.programs; i++)
		unload_subject(&subjects[i]);
}

int main(int argc, char **argv)
{
	struct setting setting;
	__u32 slots_per_cpu;

	if (argc < 11 || argc - 6 > PROGRAMS_MAX)
		fail("usage: datapath-real PACKETS ROUNDS SLOTS_PER_CPU INTERFACE SENDER empty.o "
		     "baseline.o reference.o netobserv.o flow.o...");
	setting.packets = atoi(argv[1]);
	costs.rounds = atoi(argv[2]);
	costs.programs = argc - 6;
	slots_per_cpu = atoi(argv[3]);
	setting.ifindex = if_nametoindex(argv[4]);
	setting.sender = argv[5];
	if (!setting.packets || !costs.rounds || costs.rounds > ROUNDS_MAX || !slots_per_cpu)
		fail("PACKETS, ROUNDS (at most %d) and SLOTS_PER_CPU are numbers from 1",
		     ROUNDS_MAX);
	if (!setting.ifindex)
		fail("no interface %s", argv[4]);
	costs.rows = read_rows(rows);
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		fail("statistics: %s", strerror(errno));
	pin_to_last_cpu();
	for (__u32 round = 0; round < costs.rounds; round++)
		run_rows(&setting, &argv[6], slots_per_cpu, round);
	print_costs(&costs);
	return 0;
}
