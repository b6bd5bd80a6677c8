/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What the headers of a RoCE packet say, counted by stream. Reached by RoCE alone: nothing
 * else pays for it. Formats: IBTA vol. 1, 9.2 to 9.7 and annex A17; include/rdma/ib_pack.h.
 */
#ifndef XTRACE_ROCE_H
#define XTRACE_ROCE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "maps.h"
#include "options.h"
#include "parse.h"
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

#define BTH_SOLICITED	 0x80
#define BTH_PAD_SHIFT	 4
#define BTH_PAD_MASK	 0x03
#define BTH_FECN	 0x80
#define BTH_BECN	 0x40
#define BTH_ACK_REQUEST	 0x80000000U
#define IPV4_MORE_OR_OFF 0x3fff

/* A new stream's counts: zeros, in a map because they do not fit on the stack. */
const volatile struct roce_count roce_nothing;

static __always_inline bool is_response(__u32 operation)
{
	return operation >= OP_READ_RESPONSE_FIRST && operation <= OP_ATOMIC_ACKNOWLEDGE;
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

static __always_inline void cell_add(struct roce_count *count, __u32 cell, __u64 value)
{
	__sync_fetch_and_add(&count->cells[cell & (ROCE_CELLS - 1)], value);
}

/* The counts of a stream in the half that is written now; NULL where the map is full. */
static __always_inline struct roce_count *stream_count(const struct roce_key *key, void *streams)
{
	struct roce_count *count = bpf_map_lookup_elem(streams, key);

	if (!count) {
		bpf_map_update_elem(streams, key, (void *)&roce_nothing, BPF_NOEXIST);
		count = bpf_map_lookup_elem(streams, key);
	}
	return count;
}

static __always_inline void count_roce_overflow(const struct roce_key *key, __u64 bytes)
{
	struct roce_overflow_key where = {
		.ifindex = key->ifindex,
		.version = key->transport == ROCE_MALFORMED ? 0 : key->version,
	};
	struct flow_count first = {.packets = 1, .bytes = bytes};
	struct flow_count *total;

	total = bpf_map_lookup_elem(&roce_overflow, &where);
	if (!total) {
		if (!bpf_map_update_elem(&roce_overflow, &where, &first, BPF_NOEXIST))
			return;
		total = bpf_map_lookup_elem(&roce_overflow, &where);
	}
	if (total) {
		total->packets++;
		total->bytes += bytes;
	}
}

static __always_inline void count_psn(const struct roce_key *stream, struct roce_count *count,
				      __u32 psn, __u32 rule)
{
	struct psn_key key = {
		.ifindex = stream->ifindex,
		.qp = stream->qp,
		.response = stream->detail,
	};
	__u32 refresh = control.refresh;
	__u64 *state, begun;

	__builtin_memcpy(key.src_ip, stream->src_ip, sizeof(key.src_ip));
	__builtin_memcpy(key.dst_ip, stream->dst_ip, sizeof(key.dst_ip));
	state = bpf_map_lookup_elem(&roce_psn, &key);
	if (!state) {
		begun = psn_begin(psn, rule, refresh);
		bpf_map_update_elem(&roce_psn, &key, &begun, BPF_ANY);
		return;
	}
	/* Another CPU may have a packet of the same stream at the same time: rare, as a
	 * stream has one source port and so one receive queue. Then once more. */
	for (int attempt = 0; attempt < 4; attempt++) {
		struct psn_verdict verdict = {};
		__u64 before = *(volatile __u64 *)state;
		__u64 after =
			psn_advance(before, psn, rule, refresh, options.psn_idle_max, &verdict);

		if (__sync_val_compare_and_swap(state, before, after) != before)
			continue;
		if (verdict.gap_packets) {
			cell_add(count, ROCE_PSN_GAPS, 1);
			cell_add(count, ROCE_PSN_GAP_PACKETS, verdict.gap_packets);
		}
		if (verdict.rewind)
			cell_add(count, ROCE_PSN_REWINDS, 1);
		if (verdict.retransmitted)
			cell_add(count, ROCE_PSN_RETRANSMITTED, 1);
		if (verdict.resync)
			cell_add(count, ROCE_PSN_RESYNCS, 1);
		return;
	}
}

/* Acknowledgements: the syndrome of the AETH, its upper three bits the type. */
static __always_inline void count_syndrome(struct roce_count *count, __u8 syndrome)
{
	__u32 code = syndrome & 0x1f;

	switch (syndrome >> 5) {
	case 0:
		cell_add(count, ROCE_ACKS, 1);
		break;
	case 1:
		cell_add(count, ROCE_RNR_NAKS, 1);
		cell_add(count, ROCE_RNR_DELAY_10US, rnr_delay_10us(code));
		break;
	case 3:
		cell_add(count, ROCE_NAKS + (code < 5 ? code : 5), 1);
		break;
	default:
		cell_add(count, ROCE_NAKS + 5, 1);
	}
}

/* Addresses, DSCP and ECN codepoint from the IP header or GRH at net_offset. Returns the
 * codepoint, or -1 where the frame ends before. *end: offset at which the packet ends by
 * this header; 0 where it does not say. */
static __always_inline int read_network(struct xdp_md *ctx, __u32 net_offset, struct roce_key *key,
					__u32 *end)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ipv4_header *ip4 = data + (net_offset & HEADER_OFFSET_MASK);
	struct ipv6_header *ip6 = (void *)ip4;
	__u32 length;
	__u8 class;

	if ((void *)(ip4 + 1) > data_end)
		return -1;
	if (ip4->version_ihl >> 4 == 4) {
		key->src_ip[10] = key->src_ip[11] = 0xff;
		key->dst_ip[10] = key->dst_ip[11] = 0xff;
		__builtin_memcpy(key->src_ip + 12, ip4->src_ip, 4);
		__builtin_memcpy(key->dst_ip + 12, ip4->dst_ip, 4);
		length = bpf_ntohs(ip4->total_length);
		if (length && !(ip4->fragment & bpf_htons(IPV4_MORE_OR_OFF)))
			*end = net_offset + length;
		class = ip4->tos;
	} else {
		if ((void *)(ip6 + 1) > data_end)
			return -1;
		__builtin_memcpy(key->src_ip, ip6->src_ip, 16);
		__builtin_memcpy(key->dst_ip, ip6->dst_ip, 16);
		length = bpf_ntohs(ip6->payload_length);
		if (length && !is_ipv6_extension(ip6->next_header))
			*end = net_offset + sizeof(*ip6) + length;
		class = bpf_ntohl(ip6->version_class_flow) >> 20;
	}
	key->dscp = class >> 2;
	return class & 3;
}

/* Where the headers of a RoCE packet are; version 0 where it is none. */
struct roce_place {
	__u32 network;	 /* offset of the IP header or GRH */
	__u32 transport; /* of the UDP header (version 2) or the BTH (version 1) */
	__u8 version;
	__u8 malformed; /* enum roce_malformed */
	__u16 pad;
};

static __always_inline void find_roce(struct xdp_md *ctx, __u32 start, __u32 framing,
				      struct roce_place *place)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data + (start & HEADER_OFFSET_MASK),
		.end = (void *)(long)ctx->data_end,
	};
	struct transport found = {};
	struct flow_key4 key4 = {};
	struct flow_key6 key6 = {};
	struct link link = {};
	__u32 reason;

	parse_link(&cursor, framing, &link);
	if (link.reason)
		return;
	place->network = offset_of(ctx, &cursor);
	if (link.ethertype == ETHERTYPE_IPV4)
		reason = parse_ipv4(&cursor, FRAMING_ETHERNET, &key4, &found);
	else if (link.ethertype == ETHERTYPE_IPV6)
		reason = parse_ipv6(ctx, &cursor, FRAMING_ETHERNET, &key6, &found);
	else
		reason = parse_roce_v1(&cursor, &key6, &found);
	if (reason)
		return;
	place->transport = offset_of(ctx, &cursor);
	place->version = found.roce_version;
	place->malformed = found.malformed;
}

/* Counts one packet under its stream. start: offset of the link header, of this framing. Parses
 * the frame once more: what others do not keep for it costs them nothing.
 *
 * A global function: the verifier looks at it once. */
__noinline int count_roce(struct xdp_md *ctx, __u32 start, __u32 framing, __u32 bytes)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct roce_key key = {.ifindex = ctx->ingress_ifindex};
	__u32 operation, headers, trailer, length, cell, end = 0;
	struct roce_place place = {};
	struct udp_header *udp;
	struct roce_count *count;
	struct bth *bth;
	__u8 *extension;
	int codepoint;
	__u32 offset;
	__u32 psn;

	find_roce(ctx, start, framing, &place);
	if (!place.version)
		return 0;
	key.version = place.version;
	codepoint = read_network(ctx, place.network, &key, &end);
	if (codepoint < 0)
		return 0;
	offset = place.transport & HEADER_OFFSET_MASK;
	if (place.malformed) {
		key.transport = ROCE_MALFORMED;
		key.detail = place.malformed;
		key.dscp = 0;
		count = control.epoch & 1 ? stream_count(&key, &roce_1)
					  : stream_count(&key, &roce_0);
		if (!count) {
			count_roce_overflow(&key, bytes);
			return 0;
		}
		cell_add(count, ROCE_PACKETS, 1);
		cell_add(count, ROCE_BYTES, bytes);
		return 0;
	}

	if (key.version == 2) {
		udp = data + offset;
		if ((void *)(udp + 1) > data_end)
			return 0;
		key.src_port = bpf_ntohs(udp->src_port);
		length = bpf_ntohs(udp->length);
		if (end && offset + length > end)
			length = 0;
		bth = (void *)(udp + 1);
		length = length < UDP_HEADER_BYTES ? 0 : length - UDP_HEADER_BYTES;
	} else {
		bth = data + offset;
		length = end > offset ? end - offset : 0;
	}
	if ((void *)(bth + 1) > data_end)
		return 0;
	operation = bth->opcode & 0x1f;
	key.transport = bth->opcode >> 5;
	if (key.transport > ROCE_VENDOR)
		key.transport = ROCE_VENDOR;
	key.qp = bth_dest_qp(bth);
	key.pkey = bpf_ntohs(bth->pkey);
	key.detail = key.transport != ROCE_UD && key.transport != ROCE_CNP &&
		     key.transport != ROCE_VENDOR && is_response(operation);

	count = control.epoch & 1 ? stream_count(&key, &roce_1) : stream_count(&key, &roce_0);
	if (!count) {
		count_roce_overflow(&key, bytes);
		return 0;
	}
	cell_add(count, ROCE_PACKETS, 1);
	cell_add(count, ROCE_BYTES, bytes);
	cell_add(count, ROCE_ECN + codepoint, 1);
	if (bth->flags & BTH_SOLICITED)
		cell_add(count, ROCE_SOLICITED, 1);
	if (bth->congestion & BTH_FECN)
		cell_add(count, ROCE_FECN, 1);
	if (bth->congestion & BTH_BECN)
		cell_add(count, ROCE_BECN, 1);
	psn = bpf_ntohl(bth->psn);
	if (psn & BTH_ACK_REQUEST)
		cell_add(count, ROCE_ACK_REQUEST, 1);
	psn &= PSN_MASK;

	if (key.transport == ROCE_VENDOR) /* what follows is the vendor's */
		return 0;
	headers = key.transport == ROCE_CNP ? CNP_RESERVED_BYTES
					    : transport_header_bytes(key.transport, key.detail);
	extension = (void *)(bth + 1) + headers;
	if (key.transport != ROCE_CNP)
		headers += operation_header_bytes(operation);
	trailer = (bth->flags >> BTH_PAD_SHIFT & BTH_PAD_MASK) + ICRC_BYTES;
	if (length < BTH_BYTES + headers + trailer)
		cell_add(count, ROCE_LENGTH_MALFORMED, 1);
	else if (length > BTH_BYTES + headers + trailer)
		cell_add(count, ROCE_PAYLOAD_BYTES, length - BTH_BYTES - headers - trailer);
	if (key.transport == ROCE_CNP)
		return 0;

	cell = message_cell(operation);
	if (cell != ROCE_CELLS)
		cell_add(count, cell, 1);
	if ((cell == ROCE_WRITES || cell == ROCE_READS) && length >= BTH_BYTES + headers &&
	    (void *)(extension + RETH_BYTES) <= data_end) {
		__u32 message = bpf_ntohl(*(__be32 *)(extension + RETH_LENGTH_OFFSET));
		bool write = cell == ROCE_WRITES;

		cell_add(count, write ? ROCE_WRITE_MESSAGE_BYTES : ROCE_READ_MESSAGE_BYTES,
			 message);
		cell_add(count, (write ? ROCE_WRITE_SIZES : ROCE_READ_SIZES) + size_cell(message),
			 1);
	}
	if (key.detail && operation == OP_ACKNOWLEDGE && length >= BTH_BYTES + headers &&
	    (void *)(extension + AETH_BYTES) <= data_end)
		count_syndrome(count, *extension);

	if (key.transport != ROCE_RC && key.transport != ROCE_UC && key.transport != ROCE_XRC)
		return 0; /* no order to keep, or one that other packets share */
	if (operation == OP_ACKNOWLEDGE || operation == OP_ATOMIC_ACKNOWLEDGE)
		return 0; /* one answers many packets */
	count_psn(&key, count, psn,
		  operation == OP_READ_REQUEST ? PSN_OPENS
		  : operation == OP_READ_RESPONSE_FIRST || operation == OP_READ_RESPONSE_ONLY
			  ? PSN_BEGINS
			  : PSN_FOLLOWS);
	return 0;
}

#endif
