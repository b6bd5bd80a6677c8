/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * RoCE v2 at line rate: a packet whose headers say what those before it said is counted in a slot
 * of its CPU, by plain additions, and its flow and its stream's cells are derived from the slot by
 * user space. Whatever is not so plain is roce.h's.
 */
#ifndef XTRACE_STEADY_H
#define XTRACE_STEADY_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "count.h"
#include "cursor.h"
#include "datagram.h"
#include "ip.h"
#include "key.h"
#include "link.h"
#include "maps.h"
#include "network.h"
#include "options.h"
#include "order.h"
#include "slots.h"
#include "spread.h"
#include "transport.h"

/* What became of a packet. */
enum steady {
	STEADY_NOT = 0,	    /* nothing: count it as others are */
	STEADY_COUNTED = 1, /* counted, and its flow with it */
	STEADY_STRAYED = 2, /* counted, but for its flow: it has a source port of its own */
};

/* Words of struct roce_shape, behind the addresses. */
#define SHAPE_WORDS (sizeof(struct roce_shape) / sizeof(key_word))
/* Words of a slot's key: addresses and shape. */
#define ADDRESS4_WORDS 1
#define ADDRESS6_WORDS 4

/* Whose packets a slot counts: addresses, interface and queue pair of its stream's key. */
static __always_inline void slot_stream(struct roce_key *key, const void *addresses,
					const bool is_ipv4, const struct roce_shape *shape)
{
	if (is_ipv4)
		map_addresses(key, addresses, addresses + 4);
	else
		__builtin_memcpy(key, addresses, 2 * sizeof(key->src_ip));
	key->ifindex = shape->ifindex;
	key->qp = shape->qp & 0xffffff;
}

/* Hands what roce_work needs of a slot to count_order(). */
static __always_inline void order_slot(const void *addresses, const bool is_ipv4,
				       const struct roce_shape *shape, __u32 psn, __u32 place)
{
	__u32 zero = 0, opcode = shape->qp >> 24, flags = opcode_facts[opcode].flags;
	__u32 direction = flags & OPCODE_ORDERED ? flags & OPCODE_RESPONSE : PSN_ACKED;
	struct roce_work *work = bpf_map_lookup_elem(&roce_work, &zero);
	struct roce_key *key;

	if (!work)
		return;
	key = &work->key;
	slot_stream(key, addresses, is_ipv4, shape);
	key->pad = 0;
	key->pkey = shape->pkey;
	key->version = 2;
	key->transport = transport_of(opcode);
	key->dscp = shape->tos >> 2;
	key->detail = flags & OPCODE_RESPONSE;
	work->stream =
		psn_stream(is_ipv4 ? ipv4_addresses(key) : addresses_hash((const key_word *)key),
			   key->ifindex, key->qp, direction);
	work->psn = psn;
	work->epoch = epoch_of_place(place);
	work->rule = PSN_FOLLOWS;
	work->direction = direction;
	count_order();
}

/* Judges the order of a packet that its stream did not expect, or of an acknowledgement. index: of
 * a set of RoCE slots. */
__noinline int count_unsteady(__u32 index, __u32 place, __u32 psn)
{
	__u32 way = place & PLACE_WAY;

	if (place & PLACE_IPV6) {
		struct roce_set6 *set = bpf_map_lookup_elem(&roce_slots6, &index);

		if (set)
			order_slot(&set->way[way].src_ip, false, &set->way[way].shape, psn, place);
	} else {
		struct roce_set4 *set = bpf_map_lookup_elem(&roce_slots4, &index);

		if (set)
			order_slot(&set->way[way].src_ip, true, &set->way[way].shape, psn, place);
	}
	return 0;
}

/* Adds a strayed packet to its slot's spread. */
__noinline int count_strayed(__u32 index, __u32 place, __u32 port, __u32 bytes)
{
	__u32 way = place & PLACE_WAY;
	struct roce_key key = {};

	if (place & PLACE_IPV6) {
		struct roce_set6 *set = bpf_map_lookup_elem(&roce_slots6, &index);

		if (!set)
			return 0;
		slot_stream(&key, &set->way[way].src_ip, false, &set->way[way].shape);
	} else {
		struct roce_set4 *set = bpf_map_lookup_elem(&roce_slots4, &index);

		if (!set)
			return 0;
		slot_stream(&key, &set->way[way].src_ip, true, &set->way[way].shape);
	}
	spread_add(&key, port, epoch_of_place(place), bytes);
	return 0;
}

_Static_assert(ROCE_SLOT_WAYS == PLACE_WAY + 1 && SLOT_WAYS == PLACE_WAY + 1, "places name ways");

#define SLOT4_WORDS (sizeof(struct roce_slot4) / sizeof(key_word))
#define SLOT6_WORDS (sizeof(struct roce_slot6) / sizeof(key_word))

static __always_inline bool slot_is(const key_word *slot, const key_word *addresses, __u64 shape0,
				    __u64 shape1, const __u32 words)
{
	__u64 difference = (slot[words] ^ shape0) | (slot[words + 1] ^ shape1);

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++)
		difference |= slot[i] ^ addresses[i];
	return !difference;
}

/* Counts a RoCE v2 packet in a slot, and judges its order. The cursor stands at its UDP header;
 * key: the flow's, of which the addresses are looked at; words: the flow key's. */
static __always_inline enum steady count_steady(struct xdp_md *ctx, const struct cursor *cursor,
						const key_word *key, const __u32 words,
						const struct link *link,
						const struct transport *found, const __u32 framing,
						__u32 epoch, __u32 bytes)
{
	const bool is_ipv4 = words == KEY4_WORDS;
	const __u32 address_words = is_ipv4 ? ADDRESS4_WORDS : ADDRESS6_WORDS;
	const __u32 slot_words = is_ipv4 ? SLOT4_WORDS : SLOT6_WORDS;
	const __u32 sets = is_ipv4 ? options.roce_sets4 : options.roce_sets6;
	__u32 transport, network, datagram, overhead, psn, index, place;
	void *data = frame_start(ctx);
	void *data_end = (void *)(long)ctx->data_end;
	const volatile struct opcode_facts *facts;
	__u64 shape0, shape1, stream, hash;
	__u32 way, cpu;
	__u8 flags, size_cell = 0, tos = 0;
	key_word *slots, *slot;
	struct roce_slot_count *count;
	struct udp_header *udp = cursor->pos;
	struct bth *bth = (void *)(udp + 1);
	__u8 *extension = (void *)(bth + 1);

	if ((void *)(bth + 1) > data_end || data + LINK_BYTES_MAX > data_end)
		return STEADY_NOT;
	transport = offset_of(ctx, cursor);
	network = network_offset(data, framing);
	datagram = plain_datagram(data, data_end, network, transport, is_ipv4, bytes, &tos);
	if (bpf_ntohs(udp->length) != datagram)
		return STEADY_NOT;
	facts = &opcode_facts[bth->opcode];
	flags = facts->flags;
	overhead = UDP_HEADER_BYTES + BTH_BYTES + facts->header_bytes + ICRC_BYTES +
		   (bth->flags >> BTH_PAD_SHIFT & BTH_PAD_MASK);
	if (datagram < overhead)
		return STEADY_NOT;
	if (flags &
	    (OPCODE_OPAQUE | OPCODE_OPENS | OPCODE_BEGINS | OPCODE_SIZED | OPCODE_SYNDROME)) {
		if (flags & (OPCODE_OPAQUE | OPCODE_OPENS | OPCODE_BEGINS))
			return STEADY_NOT;
		if (flags & OPCODE_SIZED) {
			__u32 message;

			if (facts->transport_bytes || (void *)(extension + RETH_BYTES) > data_end)
				return STEADY_NOT;
			message = bpf_ntohl(*(__be32 *)(extension + RETH_LENGTH_OFFSET));
			if (message != datagram - overhead)
				return STEADY_NOT;
			size_cell = packet_size_cell(message);
		} else if (flags & OPCODE_SYNDROME) {
			if (facts->transport_bytes || (void *)(extension + AETH_BYTES) > data_end ||
			    *extension >> 5)
				return STEADY_NOT;
		}
	}
	psn = bpf_ntohl(bth->psn);
	shape0 = ctx->ingress_ifindex | (__u64)link->vlan << 32 | (__u64)bpf_ntohs(bth->pkey) << 48;
	shape1 =
		bth_dest_qp(bth) | (__u64)bth->opcode << 24 | (__u64)tos << 32 |
		(__u64)((bth->flags & 0xf0) | (psn & BTH_ACK_REQUEST ? ROCE_SHAPE_ACK_REQUEST : 0) |
			(bth->congestion & BTH_FECN ? ROCE_SHAPE_FECN : 0) |
			(bth->congestion & BTH_BECN ? ROCE_SHAPE_BECN : 0))
			<< 40 |
		(__u64)(transport & 0xff) << 48 | (__u64)size_cell << 56;
	psn &= PSN_MASK;

	stream = psn_stream(is_ipv4 ? key[0] : addresses_hash(key), ctx->ingress_ifindex,
			    bth_dest_qp(bth), flags & OPCODE_RESPONSE);
	hash = (stream ^ shape1) * HASH_MULTIPLIER;
	cpu = bpf_get_smp_processor_id();
	index = set_index(hash >> 32, epoch, cpu, sets, sets - 1);
	slots = is_ipv4 ? bpf_map_lookup_elem(&roce_slots4, &index)
			: bpf_map_lookup_elem(&roce_slots6, &index);
	if (!slots || cpu >= options.cpu_count) /* a CPU beyond those the loader knew */
		return STEADY_NOT;
#pragma clang loop unroll(full)
	for (way = 0; way < ROCE_SLOT_WAYS; way++) {
		slot = slots + way * slot_words;
		if (slot_is(slot, key, shape0, shape1, address_words))
			goto found;
	}
#pragma clang loop unroll(full)
	for (way = 0; way < ROCE_SLOT_WAYS; way++) {
		slot = slots + way * slot_words;
		if (!slot[address_words + SHAPE_WORDS])
			goto empty;
	}
	return STEADY_NOT;
empty:
	key_copy(slot, key, address_words);
	slot[address_words] = shape0;
	slot[address_words + 1] = shape1;
	((struct roce_slot_count *)(slot + address_words + SHAPE_WORDS))->src_port =
		found->src_port;
	mark_block(is_ipv4 ? options.roce_first_mark4 : options.roce_first_mark6,
		   is_ipv4 ? options.roce_block_shift4 : options.roce_block_shift6, index);
found:
	place = slot_place(!is_ipv4, way, epoch);
	count = (void *)(slot + address_words + SHAPE_WORDS);
	count->packets++;
	count->bytes += bytes;
	if (__builtin_expect(count->src_port != found->src_port, 0)) {
		count->strayed_packets++;
		count->strayed_bytes += bytes;
		place |= PLACE_STRAYED;
	}
	/* a packet in order ends here, but for those that strayed */
	if (flags & OPCODE_ORDERED ? !order_expected(stream, psn) : flags & OPCODE_SYNDROME)
		count_unsteady(index, place, psn);
	if (__builtin_expect(!(place & PLACE_STRAYED), 1))
		return STEADY_COUNTED;
	if (!(flags & OPCODE_NO_PAYLOAD)) /* CNPs say nothing of how traffic spreads */
		count_strayed(index, place, found->src_port, bytes);
	return STEADY_STRAYED;
}

#endif
