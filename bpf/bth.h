/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What stands behind a BTH, by opcode, as a table: the verifier follows a lookup once, and
 * a switch as often as it has ways. Pure. IBTA vol. 1, 9.2 to 9.7 and annex A17;
 * include/rdma/ib_pack.h, drivers/infiniband/sw/rxe/rxe_hdr.h.
 */
#ifndef XTRACE_BTH_H
#define XTRACE_BTH_H

#include <stdbool.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "psn.h"

#define RETH_BYTES	   16
#define RETH_LENGTH_OFFSET 12
#define AETH_BYTES	   4
#define ATOMIC_ETH_BYTES   28
#define ATOMIC_ACK_BYTES   8
#define IMMEDIATE_BYTES	   4
#define INVALIDATE_BYTES   4
#define FETH_BYTES	   4
#define DETH_BYTES	   8
#define RDETH_BYTES	   4
#define XRCETH_BYTES	   4
#define CNP_RESERVED_BYTES 16

#define BTH_SOLICITED	0x80
#define BTH_PAD_SHIFT	4
#define BTH_PAD_MASK	0x03
#define BTH_FECN	0x80
#define BTH_BECN	0x40
#define BTH_ACK_REQUEST 0x80000000U

/* Of an opcode. */
#define OPCODE_RESPONSE	  0x01
#define OPCODE_SIZED	  0x02 /* its RETH says how long the message is */
#define OPCODE_SYNDROME	  0x04 /* its AETH acknowledges, or not */
#define OPCODE_ORDERED	  0x08 /* its PSN has a place in an order */
#define OPCODE_OPENS	  0x10 /* ... as PSN_OPENS */
#define OPCODE_BEGINS	  0x20 /* ... as PSN_BEGINS */
#define OPCODE_NO_PAYLOAD 0x40
#define OPCODE_OPAQUE	  0x80 /* a vendor's: nothing behind the BTH is known */

struct opcode_facts {
	__u8 transport_bytes; /* from the BTH to the RETH, AETH or payload */
	__u8 header_bytes;    /* from the BTH to the payload */
	__u8 message;	      /* the cell of the message that it begins; 0: none */
	__u8 flags;	      /* OPCODE_* */
};

#define FACTS(transport, operation, cell, bits)                                                    \
	{                                                                                          \
		(transport), (transport) + (operation), (cell), (bits)                             \
	}

/* The operations of a connected transport. ordered: OPCODE_ORDERED or 0. */
#define OPERATIONS(base, request, response, ordered)                                               \
	[(base) +                                                                                  \
		0x00] = FACTS(request, 0, ROCE_SENDS, ordered), /* SEND first */                   \
		[(base) + 0x01 ...(base) + 0x02] =		/* middle, last */                 \
		FACTS(request, 0, 0, ordered),                                                     \
		[(base) + 0x03] = FACTS(request, IMMEDIATE_BYTES, 0, ordered),                     \
		[(base) + 0x04] = FACTS(request, 0, ROCE_SENDS, ordered), /* only */               \
		[(base) + 0x05] = FACTS(request, IMMEDIATE_BYTES, ROCE_SENDS, ordered),            \
		[(base) + 0x06] = /* WRITE first */                                                \
		FACTS(request, RETH_BYTES, ROCE_WRITES, (ordered) | OPCODE_SIZED),                 \
		[(base) + 0x07 ...(base) + 0x08] = FACTS(request, 0, 0, ordered),                  \
		[(base) + 0x09] = FACTS(request, IMMEDIATE_BYTES, 0, ordered),                     \
		[(base) + 0x0a] =                                                                  \
			FACTS(request, RETH_BYTES, ROCE_WRITES, (ordered) | OPCODE_SIZED),         \
		[(base) + 0x0b] = FACTS(request, RETH_BYTES + IMMEDIATE_BYTES, ROCE_WRITES,        \
					(ordered) | OPCODE_SIZED),                                 \
		[(base) + 0x0c] = FACTS(request, RETH_BYTES, ROCE_READS,                           \
					(ordered) | OPCODE_SIZED | OPCODE_OPENS),                  \
		[(base) + 0x0d] = FACTS(response, AETH_BYTES, 0, /* READ response first */         \
					(ordered) | OPCODE_RESPONSE | OPCODE_BEGINS),              \
		[(base) + 0x0e] = FACTS(response, 0, 0, (ordered) | OPCODE_RESPONSE),              \
		[(base) + 0x0f] = FACTS(response, AETH_BYTES, 0, (ordered) | OPCODE_RESPONSE),     \
		[(base) + 0x10] =                                                                  \
			FACTS(response, AETH_BYTES, 0,                                             \
			      (ordered) | OPCODE_RESPONSE |                                        \
				      OPCODE_BEGINS), /* one acknowledgement answers many packets: \
							 its PSN has no place in the order */      \
		[(base) + 0x11] =                                                                  \
			FACTS(response, AETH_BYTES, 0, OPCODE_RESPONSE | OPCODE_SYNDROME),         \
		[(base) + 0x12] =                                                                  \
			FACTS(response, AETH_BYTES + ATOMIC_ACK_BYTES, 0, OPCODE_RESPONSE),        \
		[(base) + 0x13] = FACTS(request, ATOMIC_ETH_BYTES, ROCE_COMPARE_SWAPS, ordered),   \
		[(base) + 0x14] = FACTS(request, ATOMIC_ETH_BYTES, ROCE_FETCH_ADDS, ordered),      \
		[(base) + 0x15] = FACTS(request, 0, 0, ordered), /* RD's RESYNC */                 \
		[(base) + 0x16] = FACTS(request, INVALIDATE_BYTES, 0, ordered),                    \
		[(base) + 0x17] = FACTS(request, INVALIDATE_BYTES, ROCE_SENDS, ordered),           \
		[(base) + 0x1c] = FACTS(request, FETH_BYTES + RETH_BYTES, ROCE_FLUSHES, ordered),  \
		[(base) + 0x1d] = FACTS(request, RETH_BYTES, ROCE_ATOMIC_WRITES, ordered)

const volatile struct opcode_facts opcode_facts[256] = {
	OPERATIONS(0x00, 0, 0, OPCODE_ORDERED),			    /* RC */
	OPERATIONS(0x20, 0, 0, OPCODE_ORDERED),			    /* UC */
	OPERATIONS(0x40, RDETH_BYTES + DETH_BYTES, RDETH_BYTES, 0), /* RD: in use nowhere */
	/* UD: PSNs by sender, whom the BTH does not name */
	[0x64] = FACTS(DETH_BYTES, 0, ROCE_SENDS, 0),
	[0x65] = FACTS(DETH_BYTES, IMMEDIATE_BYTES, ROCE_SENDS, 0),
	[0x81] = FACTS(CNP_RESERVED_BYTES, 0, 0, OPCODE_NO_PAYLOAD),
	OPERATIONS(0xa0, XRCETH_BYTES, 0, OPCODE_ORDERED), /* XRC */
	[0xc0 ... 0xff] = FACTS(0, 0, 0, OPCODE_OPAQUE),
};

static __always_inline __u8 transport_of(__u8 opcode)
{
	__u8 transport = opcode >> 5;

	return transport < ROCE_VENDOR ? transport : ROCE_VENDOR;
}

/* By which rule of psn.h a packet's PSN is judged. */
static __always_inline __u32 psn_rule(__u8 flags)
{
	return flags & OPCODE_OPENS ? PSN_OPENS : flags & OPCODE_BEGINS ? PSN_BEGINS : PSN_FOLLOWS;
}

/* The following are global functions so that the verifier sees one result and not each of them;
 * few packets come to them. */

/* The cell of a message size: up to 64, 256, 1,024, ... bytes, and above. */
__noinline __u32 size_cell(__u32 bytes)
{
	__u32 cell = 0;

	for (int n = 0; n < ROCE_SIZE_BOUNDS; n++)
		cell += bytes > 64U << (2 * n);
	return cell;
}

/* The cell of an AETH's syndrome: its upper three bits say what it is. */
__noinline __u32 syndrome_cell(__u32 syndrome)
{
	__u32 code = syndrome & 0x1f;

	switch (syndrome >> 5 & 7) {
	case 0:
		return ROCE_ACKS;
	case 1:
		return ROCE_RNR_NAKS;
	case 3:
		return ROCE_NAKS + (code < 5 ? code : 5);
	}
	return ROCE_NAKS + 5;
}

/* What an RNR NAK asks the sender to wait, by the 5-bit code, in 10 us (IBTA vol. 1, table 46;
 * enum ib_rnr_timeout in include/rdma/ib_verbs.h): 1, 2, 3, 4, then 6, 8, 12, 16, ..., a doubling
 * every two codes; 0 stands for 32. */
__noinline __u32 rnr_delay_10us(__u32 code)
{
	code &= 0x1f;
	if (code == 0)
		return 65536;
	if (code < 4)
		return code;
	return (code & 1 ? 6U : 4U) << ((code - 4) / 2);
}

#endif
