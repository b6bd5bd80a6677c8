// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the rows that bench/datapath-rows.ts writes.
 */
#include <string.h>
#include "row.h"

#define QUOTE(number)	#number
#define TO_TEXT(number) QUOTE(number)

#define FIRST_ADDRESS 0x0a000000
#define FLOW_BITS_MAX 17 /* 131,072 flows */

int read_row(struct row *row)
{
	char hex[FRAME_HEX_DIGITS_MAX + 1];
	struct driver_state *state = &row->state;
	int found;

	memset(row, 0, sizeof(*row));
	found = scanf("%63s %u %u %u %u %u %u %" TO_TEXT(FRAME_HEX_DIGITS_MAX) "[0-9a-f]",
		      row->name, &state->flows, &state->burst, &state->address_offset,
		      &state->port_offset, &state->qp_offset, &state->psn_offset, hex);
	if (found == EOF)
		return 0;
	if (found != 8)
		return -1;
	row->frame_bytes = strlen(hex) / 2;
	for (__u32 i = 0; i < row->frame_bytes; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &row->frame[i]) != 1)
			return -1;
	return 1;
}

void write_row(FILE *out, const struct row *row)
{
	const struct driver_state *state = &row->state;

	fprintf(out, "%s %u %u %u %u %u %u ", row->name, state->flows, state->burst,
		state->address_offset, state->port_offset, state->qp_offset, state->psn_offset);
	for (__u32 i = 0; i < row->frame_bytes; i++)
		fprintf(out, "%02x", row->frame[i]);
	fprintf(out, "\n");
}

void choose_flows(struct driver_state *state, __u32 round)
{
	state->first_address = FIRST_ADDRESS + (round << FLOW_BITS_MAX);
	state->random = 0x9e3779b9 + round;
}
