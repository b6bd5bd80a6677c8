/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The headers behind the BTH: which opcode brings which, how long they are, and which cell
 * of struct roce_count they belong to. Pure. IBTA vol. 1, 9.2 to 9.7 and annex A17;
 * include/rdma/ib_pack.h, drivers/infiniband/sw/rxe/rxe_hdr.h.
 */
#ifndef XTRACE_BTH_H
#define XTRACE_BTH_H

#include <stdbool.h>
#include <linux/types.h>
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

/* Operations: the lower five bits of an opcode. */
#define OP_SEND_FIRST		0x00
#define OP_SEND_LAST_IMM	0x03
#define OP_SEND_ONLY		0x04
#define OP_SEND_ONLY_IMM	0x05
#define OP_WRITE_FIRST		0x06
#define OP_WRITE_LAST_IMM	0x09
#define OP_WRITE_ONLY		0x0a
#define OP_WRITE_ONLY_IMM	0x0b
#define OP_READ_REQUEST		0x0c
#define OP_READ_RESPONSE_FIRST	0x0d
#define OP_READ_RESPONSE_MIDDLE 0x0e
#define OP_READ_RESPONSE_LAST	0x0f
#define OP_READ_RESPONSE_ONLY	0x10
#define OP_ACKNOWLEDGE		0x11
#define OP_ATOMIC_ACKNOWLEDGE	0x12
#define OP_COMPARE_SWAP		0x13
#define OP_FETCH_ADD		0x14
#define OP_SEND_LAST_INV	0x16
#define OP_SEND_ONLY_INV	0x17
#define OP_FLUSH		0x1c
#define OP_ATOMIC_WRITE		0x1d

#define BTH_SOLICITED	0x80
#define BTH_PAD_SHIFT	4
#define BTH_PAD_MASK	0x03
#define BTH_FECN	0x80
#define BTH_BECN	0x40
#define BTH_ACK_REQUEST 0x80000000U

static __always_inline __u8 transport_of(__u8 opcode)
{
	__u8 transport = opcode >> 5;

	return transport < ROCE_VENDOR ? transport : ROCE_VENDOR;
}

/* Of the opcodes that are assigned, UC and UD have none of these operations. */
static __always_inline bool is_response(__u32 transport, __u32 operation)
{
	return transport != ROCE_CNP && transport != ROCE_VENDOR &&
	       operation >= OP_READ_RESPONSE_FIRST && operation <= OP_ATOMIC_ACKNOWLEDGE;
}

/* By which rule of psn.h a packet's PSN is judged. */
static __always_inline __u32 psn_rule(__u32 operation)
{
	switch (operation) {
	case OP_READ_REQUEST:
		return PSN_OPENS;
	case OP_READ_RESPONSE_FIRST:
	case OP_READ_RESPONSE_ONLY:
		return PSN_BEGINS;
	}
	return PSN_FOLLOWS;
}

/* Bytes between the BTH and the RETH, AETH or payload, where the transport puts some. */
static __always_inline __u32 transport_header_bytes(__u32 transport, bool response)
{
	switch (transport) {
	case ROCE_UD:
		return DETH_BYTES;
	case ROCE_RD:
		return response ? RDETH_BYTES : RDETH_BYTES + DETH_BYTES;
	case ROCE_XRC: /* XRCETH in requests alone */
		return response ? 0 : XRCETH_BYTES;
	case ROCE_CNP:
		return CNP_RESERVED_BYTES;
	}
	return 0;
}

/* Bytes of the headers that the operation brings. */
static __always_inline __u32 operation_header_bytes(__u32 operation)
{
	switch (operation) {
	case OP_SEND_LAST_IMM:
	case OP_SEND_ONLY_IMM:
	case OP_WRITE_LAST_IMM:
		return IMMEDIATE_BYTES;
	case OP_WRITE_FIRST:
	case OP_WRITE_ONLY:
	case OP_READ_REQUEST:
	case OP_ATOMIC_WRITE:
		return RETH_BYTES;
	case OP_WRITE_ONLY_IMM:
		return RETH_BYTES + IMMEDIATE_BYTES;
	case OP_READ_RESPONSE_FIRST:
	case OP_READ_RESPONSE_LAST:
	case OP_READ_RESPONSE_ONLY:
	case OP_ACKNOWLEDGE:
		return AETH_BYTES;
	case OP_ATOMIC_ACKNOWLEDGE:
		return AETH_BYTES + ATOMIC_ACK_BYTES;
	case OP_COMPARE_SWAP:
	case OP_FETCH_ADD:
		return ATOMIC_ETH_BYTES;
	case OP_SEND_LAST_INV:
	case OP_SEND_ONLY_INV:
		return INVALIDATE_BYTES;
	case OP_FLUSH:
		return FETH_BYTES + RETH_BYTES;
	}
	return 0;
}

/* The cell of the message that this packet begins; ROCE_CELLS where it begins none. */
static __always_inline __u32 message_cell(__u32 operation)
{
	switch (operation) {
	case OP_SEND_FIRST:
	case OP_SEND_ONLY:
	case OP_SEND_ONLY_IMM:
	case OP_SEND_ONLY_INV:
		return ROCE_SENDS;
	case OP_WRITE_FIRST:
	case OP_WRITE_ONLY:
	case OP_WRITE_ONLY_IMM:
		return ROCE_WRITES;
	case OP_READ_REQUEST:
		return ROCE_READS;
	case OP_COMPARE_SWAP:
		return ROCE_COMPARE_SWAPS;
	case OP_FETCH_ADD:
		return ROCE_FETCH_ADDS;
	case OP_ATOMIC_WRITE:
		return ROCE_ATOMIC_WRITES;
	case OP_FLUSH:
		return ROCE_FLUSHES;
	}
	return ROCE_CELLS;
}

/* What an RNR NAK asks the sender to wait, by the 5-bit code, in 10 us (IBTA vol. 1, table
 * 46; enum ib_rnr_timeout in include/rdma/ib_verbs.h). */
static __always_inline __u32 rnr_delay_10us(__u32 code)
{
	/* 1, 2, 3, 4, then 6, 8, 12, 16, ...: a doubling every two codes; 0 stands for 32 */
	if (code == 0)
		return 65536;
	if (code < 4)
		return code;
	return (code & 1 ? 6U : 4U) << ((code - 4) / 2);
}

/* The cell of a message size: up to 64, 256, 1,024, ... bytes, and above. */
static __always_inline __u32 size_cell(__u32 bytes)
{
	__u32 cell = 0;

#pragma clang loop unroll(full)
	for (int n = 0; n < ROCE_SIZE_BOUNDS; n++)
		cell += (__u64)bytes > 64ULL << (2 * n);
	return cell;
}

#endif
