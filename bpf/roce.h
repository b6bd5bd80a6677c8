/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What the headers of a RoCE packet say, counted by stream. Reached by RoCE alone: nothing
 * else pays for it.
 */
#ifndef XTRACE_ROCE_H
#define XTRACE_ROCE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "count.h"
#include "cursor.h"
#include "headers.h"
#include "ip.h"
#include "key.h"
#include "link.h"
#include "network.h"
#include "order.h"
#include "spread.h"
#include "streams.h"
#include "transport.h"

/* COUNTED, but for the order of its PSN. */
#define COUNTED_UNORDERED (-2)

/* Ends beyond are as good as this one. */
#define OFFSET_MAX 0xffff

/* Where the headers of a RoCE packet are; version 0 where it is none. */
struct roce_place {
	__u16 network;	 /* offset of the IP header or GRH */
	__u16 transport; /* of the UDP header (version 2) or the BTH (version 1) */
	__u16 end;	 /* of the frame, or of the one inside it; at most */
	__u8 version : 4;
	__u8 malformed : 4; /* enum roce_malformed */
	__u8 more;	    /* 1: a first fragment, so UDP's length may reach further */
};

union roce_word {
	struct roce_place place;
	__u64 packed;
};
_Static_assert(sizeof(union roce_word) == sizeof(__u64), "passed in one register");

/* Counts one packet under its stream. packed: a struct roce_place. Returns 1 where the packet's
 * order is to be judged by what it has left in roce_work, else 0.
 *
 * A global function, as count_roce_packet(): the verifier looks at each once. */
__noinline int count_roce(struct xdp_md *ctx, __u64 packed, __u32 epoch, __u32 bytes)
{
	union roce_word found = {.packed = packed};
	void *data = frame_start(ctx);
	void *data_end = (void *)(long)ctx->data_end;
	__u32 overhead, length, offset, message, most, end, left = 0, zero = 0, port = 0;
	const volatile struct opcode_facts *facts;
	struct network *network;
	struct roce_count *count;
	struct udp_header *udp;
	struct roce_work *work;
	struct roce_key *key;
	__u8 *extension, flags;
	struct bth *bth;
	bool is_ack;

	epoch &= 1;
	work = bpf_map_lookup_elem(&roce_work, &zero);
	if (!work)
		return 0;
	key = &work->key;
	network = &work->network;
	__builtin_memset(key, 0, sizeof(*key));
	key->ifindex = ctx->ingress_ifindex;
	key->version = found.place.version;
	if (read_network(ctx, found.place.network, key, network))
		return 0;
	if (found.place.malformed) {
		key->transport = ROCE_MALFORMED;
		key->detail = found.place.malformed;
		key->dscp = 0;
		count_stream(key, epoch, bytes);
		return 0;
	}

	offset = found.place.transport & HEADER_OFFSET_MASK;
	if (key->version == 2) {
		udp = data + offset;
		if ((void *)(udp + 1) > data_end)
			return 0;
		port = ROCE_PORT_KNOWN | bpf_ntohs(udp->src_port);
		length = bpf_ntohs(udp->length);
		most = found.place.more ? network->whole
		       : network->end	? network->end
					: found.place.end;
		if (offset + length > most)
			length = 0; /* beyond its datagram: not to be trusted */
		else
			length -= UDP_HEADER_BYTES;
		offset += UDP_HEADER_BYTES;
	} else {
		length = network->end - offset;
	}
	bth = data + offset;
	if ((void *)(bth + 1) > data_end)
		return 0;
	facts = &opcode_facts[bth->opcode];
	flags = facts->flags;
	key->transport = transport_of(bth->opcode);
	key->qp = bth_dest_qp(bth);
	key->pkey = bpf_ntohs(bth->pkey);
	key->detail = flags & OPCODE_RESPONSE;
	count = count_stream(key, epoch, bytes);
	if (!count)
		return 0;
	if (port)
		count_port(key, count, port, epoch, bytes);
	count_bits(count, bth, network->codepoint);

	if (flags & OPCODE_OPAQUE)
		return 0;
	extension = (void *)(bth + 1) + (facts->transport_bytes & 31);
	offset += BTH_BYTES + (facts->transport_bytes & 31);
	end = found.place.end;
	if (network->end && end > network->end)
		end = network->end;
	if (end > offset)
		left = end - offset;
	overhead = BTH_BYTES + facts->header_bytes + ICRC_BYTES +
		   (bth->flags >> BTH_PAD_SHIFT & BTH_PAD_MASK);
	if (length < overhead) {
		cell_add(count, ROCE_LENGTH_MALFORMED, 1);
		left = 0;
	} else if (length > overhead && !(flags & OPCODE_NO_PAYLOAD)) {
		cell_add(count, ROCE_PAYLOAD_BYTES, length - overhead);
	}
	message = facts->message;
	if (message)
		cell_add_at(count, message, 1);
	is_ack = count_extension(count, flags, message, extension, data_end, left);
	if (!(flags & OPCODE_ORDERED) && !is_ack)
		return 0;
	work->direction = is_ack ? PSN_ACKED : key->detail;
	work->stream = psn_stream(network->is_ipv4 ? ipv4_addresses(key)
						   : addresses_hash((const key_word *)key),
				  key->ifindex, key->qp, work->direction);
	work->psn = bpf_ntohl(bth->psn) & PSN_MASK;
	work->rule = psn_rule(flags);
	work->epoch = epoch;
	return 1;
}

/* Counts a packet under its stream; the cursor stands behind the IP header. Returns as
 * count_roce(). */
static __always_inline int observe(struct xdp_md *ctx, const struct cursor *cursor, __u32 network,
				   __u32 inner, const struct transport *found, __u32 epoch,
				   __u32 bytes)
{
	__u32 end = inner && bytes > inner >> 16 ? inner >> 16 : bytes;
	union roce_word word = {
		.place =
			{
				.network = network,
				.transport = offset_of(ctx, cursor),
				.end = end < OFFSET_MAX ? end : OFFSET_MAX,
				.version = found->roce_version,
				.malformed = found->malformed,
				.more = found->more,
			},
	};

	if (!word.place.version || !options.roce)
		return 0;
	return count_roce(ctx, word.packed, epoch, bytes);
}

/* Counts a packet of RoCE as a flow, and under its stream where its kind is wanted; the key has its
 * addresses. Returns what count_roce_packet() does. */
static __always_inline int count_observed(struct xdp_md *ctx, key_word *key, const __u32 words,
					  const struct link *link, const struct cursor *cursor,
					  __u32 network, __u32 inner, __u32 framing,
					  const struct transport *found, __u32 epoch, __u32 bytes)
{
	int ordered = 0;

	if (kind_wanted(found->kind, framing)) {
		/* in this order: a key takes less stack than what was found */
		key_describe(key, words, link, found);
		ordered = observe(ctx, cursor, network, inner, found, epoch, bytes);
		key_fold_ports(key, words);
	} else {
		__builtin_memset(key, 0, words * sizeof(*key));
	}
	key_name(key, words, ctx, found);
	count_key(key, words, epoch, bytes);
	return ordered ? COUNTED_UNORDERED : COUNTED;
}

/* A packet of RoCE, UDP on its port, or what EtherType 0x8915 says is RoCE: its stream and its
 * flow, in one epoch. Returns COUNTED, COUNTED_UNORDERED, or the frame_reason why there is no flow.
 * inner: of a frame within the frame, the offset of its link header, and above bit 16 the offset of
 * its end; 0 for a frame by itself. framing: of whichever it is. */
__noinline int count_roce_packet(struct xdp_md *ctx, __u32 inner, __u32 framing, __u32 bytes)
{
	struct cursor cursor = {
		.pos = frame_start(ctx) + (inner & HEADER_OFFSET_MASK),
		.end = (void *)(long)ctx->data_end,
	};
	struct transport found = {};
	__u32 epoch = epoch_now();
	struct link link = {};
	__u32 network, reason;

	if (framing >= FRAMING_MAX)
		return REASON_NONE;
	parse_link(&cursor, framing, &link);
	if (link.reason)
		return link.reason;
	network = offset_of(ctx, &cursor);
	if (link.ethertype == ETHERTYPE_IPV4) {
		struct flow_key4 key = {};

		found.qp = dscp_at(&cursor, true);
		reason = parse_ipv4(&cursor, FRAMING_ETHERNET, &key, &found);
		if (reason)
			return reason;
		return count_observed(ctx, (key_word *)&key, KEY4_WORDS, &link, &cursor, network,
				      inner, framing, &found, epoch, bytes);
	} else {
		struct flow_key6 key = {};

		found.qp = dscp_at(&cursor, false);
		reason = link.ethertype == ETHERTYPE_IPV6
				 ? parse_ipv6(ctx, &cursor, FRAMING_ETHERNET, &key, &found)
				 : parse_roce_v1(&cursor, &key, &found);
		if (reason) {
			/* No flow, but behind a GRH a stream that says why. A BTH that is missing
			 * may be in another buffer. */
			if (found.malformed && kind_wanted(KIND_ROCE_V1, framing) &&
			    (reason != REASON_GRH_TRUNCATED ||
			     bytes <= (__u64)(ctx->data_end - ctx->data)))
				observe(ctx, &cursor, network, inner, &found, epoch, bytes);
			return reason;
		}
		return count_observed(ctx, (key_word *)&key, KEY6_WORDS, &link, &cursor, network,
				      inner, framing, &found, epoch, bytes);
	}
}

/* The same, and its order. Not in that function: here the stack is free again. Returns COUNTED or a
 * frame_reason. */
static __always_inline int count_roce_whole(struct xdp_md *ctx, __u32 inner, __u32 framing,
					    __u32 bytes)
{
	int counted = count_roce_packet(ctx, inner, framing, bytes);

	if (counted != COUNTED_UNORDERED)
		return counted;
	count_order();
	return COUNTED;
}

#endif
