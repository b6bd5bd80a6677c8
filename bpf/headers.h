/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What the headers of a RoCE packet add to the cells of its stream.
 */
#ifndef XTRACE_HEADERS_H
#define XTRACE_HEADERS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "streams.h"

/* The bits of the IP header and the BTH. */
static __always_inline void count_bits(struct roce_count *count, const struct bth *bth,
				       __u32 codepoint)
{
	cell_add_at(count, ROCE_ECN + codepoint, 1);
	if (bth->flags & BTH_SOLICITED)
		cell_add(count, ROCE_SOLICITED, 1);
	if (bth->congestion & BTH_FECN)
		cell_add(count, ROCE_FECN, 1);
	if (bth->congestion & BTH_BECN)
		cell_add(count, ROCE_BECN, 1);
	if (bth->psn & bpf_htonl(BTH_ACK_REQUEST))
		cell_add(count, ROCE_ACK_REQUEST, 1);
}

/* How long a message is by its RETH, and what an AETH says. left: bytes of the packet from there
 * on. Returns whether it acknowledges. */
static __always_inline bool count_extension(struct roce_count *count, __u8 flags, __u32 message,
					    __u8 *extension, void *data_end, __u32 left)
{
	if (flags & OPCODE_SIZED) {
		bool write = message == ROCE_WRITES;
		__u32 bytes;

		if (left < RETH_BYTES || (void *)(extension + RETH_BYTES) > data_end)
			return false;
		bytes = bpf_ntohl(*(__be32 *)(extension + RETH_LENGTH_OFFSET));
		cell_add_at(count, write ? ROCE_WRITE_MESSAGE_BYTES : ROCE_READ_MESSAGE_BYTES,
			    bytes);
		cell_add_at(count, (write ? ROCE_WRITE_SIZES : ROCE_READ_SIZES) + size_cell(bytes),
			    1);
	} else if (flags & OPCODE_SYNDROME) {
		__u32 cell;

		if (left < AETH_BYTES || (void *)(extension + AETH_BYTES) > data_end)
			return false;
		cell = syndrome_cell(*extension);
		cell_add_at(count, cell, 1);
		if (cell == ROCE_RNR_NAKS)
			cell_add(count, ROCE_RNR_DELAY_10US, rnr_delay_10us(*extension));
		return cell == ROCE_ACKS;
	}
	return false;
}

#endif
