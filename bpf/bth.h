/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The BTH, and what stands behind it by opcode, as a table: the verifier follows a lookup once, and
 * a switch as often as it has ways. Pure. IBTA vol. 1, 9.2 to 9.7 and annex A17;
 * include/rdma/ib_pack.h, drivers/infiniband/sw/rxe/rxe_hdr.h.
 */
#ifndef XTRACE_BTH_H
#define XTRACE_BTH_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "psn.h"

#define BTH_BYTES	   12
#define ICRC_BYTES	   4
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

#define BTH_SOLICITED	 0x80
#define BTH_PAD_SHIFT	 4
#define BTH_PAD_MASK	 0x03
#define BTH_VERSION_MASK 0x0f
#define BTH_FECN	 0x80
#define BTH_BECN	 0x40
#define BTH_ACK_REQUEST	 0x80000000U

/* InfiniBand base transport header, IBTA vol. 1, 9.2. */
struct bth {
	__u8 opcode;
	__u8 flags; /* SE, M, pad count, transport version (low nibble) */
	__be16 pkey;
	__u8 congestion;
	__u8 dest_qp[3];
	__be32 psn;
};

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
_Static_assert(sizeof(struct opcode_facts) == sizeof(__u32), "opcode_facts");

/* clang-format off */
#define FACTS(transport, operation, cell, bits) \
	{ (transport), (transport) + (operation), (cell), (bits) }

/* The operations of a connected transport. base: its opcode 0; tx, rx: bytes that the transport puts
 * between the BTH and a request's or a response's own headers; order: OPCODE_ORDERED or 0.
 *
 *                                own headers        begins       flags */
#define SENDS_AND_WRITES(base, tx, order) \
	[(base) + 0x00] = FACTS(tx, 0,                 ROCE_SENDS,  order),                /* SEND first */ \
	[(base) + 0x01] = FACTS(tx, 0,                 0,           order),                /* middle */ \
	[(base) + 0x02] = FACTS(tx, 0,                 0,           order),                /* last */ \
	[(base) + 0x03] = FACTS(tx, IMMEDIATE_BYTES,   0,           order),                /* last, immediate */ \
	[(base) + 0x04] = FACTS(tx, 0,                 ROCE_SENDS,  order),                /* only */ \
	[(base) + 0x05] = FACTS(tx, IMMEDIATE_BYTES,   ROCE_SENDS,  order),                /* only, immediate */ \
	[(base) + 0x06] = FACTS(tx, RETH_BYTES,        ROCE_WRITES, (order) | OPCODE_SIZED), /* WRITE first */ \
	[(base) + 0x07] = FACTS(tx, 0,                 0,           order),                /* middle */ \
	[(base) + 0x08] = FACTS(tx, 0,                 0,           order),                /* last */ \
	[(base) + 0x09] = FACTS(tx, IMMEDIATE_BYTES,   0,           order),                /* last, immediate */ \
	[(base) + 0x0a] = FACTS(tx, RETH_BYTES,        ROCE_WRITES, (order) | OPCODE_SIZED), /* only */ \
	[(base) + 0x0b] = FACTS(tx, RETH_BYTES + IMMEDIATE_BYTES, \
				ROCE_WRITES, (order) | OPCODE_SIZED)                      /* only, immediate */

/* One acknowledgement (0x11) answers many packets: its PSN has no place in the order. */
#define READS_AND_ATOMICS(base, tx, rx, order) \
	[(base) + 0x0c] = FACTS(tx, RETH_BYTES,        ROCE_READS, (order) | OPCODE_SIZED | OPCODE_OPENS), \
	[(base) + 0x0d] = FACTS(rx, AETH_BYTES,        0, (order) | OPCODE_RESPONSE | OPCODE_BEGINS), /* READ response first */ \
	[(base) + 0x0e] = FACTS(rx, 0,                 0, (order) | OPCODE_RESPONSE),                 /* middle */ \
	[(base) + 0x0f] = FACTS(rx, AETH_BYTES,        0, (order) | OPCODE_RESPONSE),                 /* last */ \
	[(base) + 0x10] = FACTS(rx, AETH_BYTES,        0, (order) | OPCODE_RESPONSE | OPCODE_BEGINS), /* only */ \
	[(base) + 0x11] = FACTS(rx, AETH_BYTES,        0, OPCODE_RESPONSE | OPCODE_SYNDROME),         /* ACK, NAK */ \
	[(base) + 0x12] = FACTS(rx, AETH_BYTES + ATOMIC_ACK_BYTES, 0, OPCODE_RESPONSE), \
	[(base) + 0x13] = FACTS(tx, ATOMIC_ETH_BYTES,  ROCE_COMPARE_SWAPS, order), \
	[(base) + 0x14] = FACTS(tx, ATOMIC_ETH_BYTES,  ROCE_FETCH_ADDS,    order)

#define SENDS_WITH_INVALIDATE(base, tx, order) \
	[(base) + 0x16] = FACTS(tx, INVALIDATE_BYTES,  0,          order), /* last */ \
	[(base) + 0x17] = FACTS(tx, INVALIDATE_BYTES,  ROCE_SENDS, order)  /* only */

/* An entry of zeros is an opcode that nobody assigned (IBTA vol. 1, table 38; annexes A14 for XRC, A19
 * for FLUSH and ATOMIC WRITE): none that is assigned has neither headers nor flags. */
const volatile struct opcode_facts opcode_facts[256] = {
	SENDS_AND_WRITES(0x00, 0, OPCODE_ORDERED), /* RC */
	READS_AND_ATOMICS(0x00, 0, 0, OPCODE_ORDERED),
	SENDS_WITH_INVALIDATE(0x00, 0, OPCODE_ORDERED),
	[0x1c] = FACTS(0, FETH_BYTES + RETH_BYTES,     ROCE_FLUSHES,       OPCODE_ORDERED),
	[0x1d] = FACTS(0, RETH_BYTES,                  ROCE_ATOMIC_WRITES, OPCODE_ORDERED),

	SENDS_AND_WRITES(0x20, 0, OPCODE_ORDERED), /* UC */

	SENDS_AND_WRITES(0x40, RDETH_BYTES + DETH_BYTES, 0), /* RD: in use nowhere */
	READS_AND_ATOMICS(0x40, RDETH_BYTES + DETH_BYTES, RDETH_BYTES, 0),
	[0x55] = FACTS(RDETH_BYTES + DETH_BYTES, 0,    0,          0), /* RESYNC */

	/* UD: PSNs by sender, whom the BTH does not name */
	[0x64] = FACTS(DETH_BYTES, 0,                  ROCE_SENDS, 0),
	[0x65] = FACTS(DETH_BYTES, IMMEDIATE_BYTES,    ROCE_SENDS, 0),

	[0x81] = FACTS(CNP_RESERVED_BYTES, 0,          0,          OPCODE_NO_PAYLOAD),

	SENDS_AND_WRITES(0xa0, XRCETH_BYTES, OPCODE_ORDERED), /* XRC */
	READS_AND_ATOMICS(0xa0, XRCETH_BYTES, 0, OPCODE_ORDERED),
	SENDS_WITH_INVALIDATE(0xa0, XRCETH_BYTES, OPCODE_ORDERED),

	[0xc0 ... 0xff] = FACTS(0, 0,                  0,          OPCODE_OPAQUE),
};
/* clang-format on */

static __always_inline bool opcode_assigned(__u8 opcode)
{
	return opcode_facts[opcode].transport_bytes || opcode_facts[opcode].flags;
}

/* enum roce_malformed; 0 where it is a BTH. */
static __always_inline __u32 bth_malformed(const struct bth *bth)
{
	if (bth->flags & BTH_VERSION_MASK)
		return ROCE_MALFORMED_VERSION;
	return opcode_assigned(bth->opcode) ? 0 : ROCE_MALFORMED_OPCODE;
}

static __always_inline __u32 bth_dest_qp(const struct bth *bth)
{
	return (__u32)bth->dest_qp[0] << 16 | (__u32)bth->dest_qp[1] << 8 | bth->dest_qp[2];
}

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
