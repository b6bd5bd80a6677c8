/* SPDX-License-Identifier: Apache-2.0
 *
 * A row of a bench: a frame, and how many flows are made of it.
 */
#ifndef XTRACE_BENCH_ROW_H
#define XTRACE_BENCH_ROW_H

#include <stdio.h>
#include "driver.h"

#define FRAME_BYTES_MAX	     1280
#define FRAME_HEX_DIGITS_MAX 2560

_Static_assert(FRAME_HEX_DIGITS_MAX == 2 * FRAME_BYTES_MAX, "two digits a byte");

struct row {
	char name[64];
	struct driver_state state;
	__u8 frame[FRAME_BYTES_MAX];
	__u32 frame_bytes;
};

/* Reads one row from stdin:
 *
 * NAME FLOWS BURST ADDRESS_OFFSET PORT_OFFSET QP_OFFSET PSN_OFFSET FRAME_HEX
 *
 * Returns 1, 0 at the end of the input, -1 where it is no row. */
int read_row(struct row *row);

/* Writes a row as read_row() reads it. */
void write_row(FILE *out, const struct row *row);

/* Which flows a round has: others than each other round, the same for each program, as it is luck
 * which of them collide. */
void choose_flows(struct driver_state *state, __u32 round);

#endif
