// SPDX-License-Identifier: Apache-2.0
/*
 * Checks and prints what was measured.
 */
#include <math.h>
#include <stdio.h>
#include "costs.h"
#include "subject.h"

__u32 read_rows(struct row rows[ROWS_MAX])
{
	__u32 count = 0;
	int found;

	while ((found = count < ROWS_MAX ? read_row(&rows[count]) : 0) > 0)
		count++;
	if (found < 0)
		fail("row %u is no row", count + 1);
	return count;
}

double checked_cost(const struct row *row, __u32 program, __u64 counted, __u32 packets, double ns)
{
	if (program == EMPTY_INDEX)
		return ns;
	if (!counted && program < FLOW_INDEX)
		return NAN;
	if (counted != packets)
		fail("%s, %u flows: %s counted %llu of %u packets", row->name, row->state.flows,
		     program_name(program), counted, packets);
	return ns;
}

static void print_cost(double ns, const char *comma)
{
	if (isnan(ns))
		printf("%snull", comma);
	else
		printf("%s%.2f", comma, ns);
}

void print_costs(const struct costs *costs)
{
	printf("[");
	for (__u32 row = 0; row < costs->rows; row++) {
		printf("%s\n[", row ? "," : "");
		for (__u32 round = 0; round < costs->rounds; round++) {
			printf("%s[", round ? "," : "");
			for (__u32 program = 0; program < costs->programs; program++)
				print_cost(costs->ns[row][round][program], program ? "," : "");
			printf("]");
		}
		printf("]");
	}
	printf("\n]\n");
}
