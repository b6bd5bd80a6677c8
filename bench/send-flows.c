// SPDX-License-Identifier: Apache-2.0
/*
 * Sends the packets of a row over a real interface: the flows that driver.bpf.c would draw,
 * in the same order. Loses none; ends with 1 unless all were sent. Checksums stay those of the
 * frame: nobody on the way looks at them.
 *
 * send-flows INTERFACE PACKETS ROUND  < row
 */
#define _GNU_SOURCE
#include "../test/support/kernel/frame-socket.h"
#include "row.h"

#define PSN_MASK 0xffffff

static __u32 psns[FLOWS_MAX];

static void put16(struct row *row, __u32 offset, __u32 value)
{
	__u16 word = htons((__u16)value);

	memcpy(row->frame + offset, &word, sizeof(word));
}

static void put32(struct row *row, __u32 offset, __u32 value)
{
	__u32 word = htonl(value);

	memcpy(row->frame + offset, &word, sizeof(word));
}

/* As the program of driver.bpf.c. */
static void make_packet(struct row *row)
{
	struct driver_state *state = &row->state;
	__u32 flow;

	if ((state->packets++ & (state->burst - 1)) == 0) {
		state->random ^= state->random << 13;
		state->random ^= state->random >> 17;
		state->random ^= state->random << 5;
	}
	flow = state->random & (state->flows - 1);
	put32(row, state->address_offset, state->first_address + flow);
	put16(row, state->port_offset, flow * 40503);
	if (state->qp_offset)
		put16(row, state->qp_offset, flow);
	if (state->psn_offset)
		put32(row, state->psn_offset, psns[flow & (FLOWS_MAX - 1)]++ & PSN_MASK);
}

int main(int argc, char **argv)
{
	static struct row row;
	struct sent sent = {};
	long packets;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: send-flows INTERFACE PACKETS ROUND\n");
		return 2;
	}
	packets = atol(argv[2]);
	if (read_row(&row) != 1) {
		errno = EINVAL;
		fail("row");
	}
	choose_flows(&row.state, (__u32)atol(argv[3]));
	fd = open_socket(argv[1]);
	end_on_signal();
	while ((long)sent.packets < packets && !is_ending) {
		make_packet(&row);
		send_frame(fd, row.frame, row.frame_bytes, &sent);
	}
	return is_ending;
}
