/* SPDX-License-Identifier: Apache-2.0
 *
 * What packets cost, by row, round and program: what the benches of the packet path share.
 */
#ifndef XTRACE_BENCH_COSTS_H
#define XTRACE_BENCH_COSTS_H

#include "driver.h"
#include "row.h"

#define ROWS_MAX   32
#define ROUNDS_MAX 64

struct costs {
	__u32 rows;
	__u32 rounds;
	__u32 programs;
	__u32 pad;
	double ns[ROWS_MAX][ROUNDS_MAX][PROGRAMS_MAX]; /* per packet */
};

/* Reads all rows from stdin; returns how many. */
__u32 read_rows(struct row rows[ROWS_MAX]);

/* The cost that counts: ns where a program has counted all packets; NaN where one of the programs
 * that ours is compared with has counted none, as it does not see such packets. Anything else ends
 * the process. */
double checked_cost(const struct row *row, __u32 program, __u64 counted, __u32 packets, double ns);

/* As JSON: for each row its rounds, for each round the cost of every program; null for NaN. */
void print_costs(const struct costs *costs);

#endif
