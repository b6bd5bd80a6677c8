/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a network header to counts. What is RoCE, or may be a mirror's, is handed over to
 * roce.h and mirror.h: TCP passes one comparison of what it has at hand, and nothing that
 * others need is kept on its way (offsets and an epoch cost every packet 1 to 2 ns of 8).
 */
#ifndef XTRACE_PACKET_H
#define XTRACE_PACKET_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "count.h"
#include "ip.h"
#include "key.h"
#include "link.h"
#include "mirror.h"
#include "options.h"
#include "roce.h"
#include "steady.h"
#include "transport.h"

/* Whether the packet was counted as the RoCE that is mirrored in it. */
static __always_inline bool counted_mirrored(struct xdp_md *ctx, const struct transport *found,
					     const __u32 framing, __u64 bytes)
{
	__u32 inner;

	if (found->kind != KIND_OTHER || found->protocol != PROTO_GRE)
		return false;
	if (!options.decap_mirror)
		return false;
	inner = find_mirrored(ctx, framing);
	if (inner)
		count_roce_whole(ctx, inner, FRAMING_ETHERNET, bytes);
	return inner;
}

/* Whether the packet, of a kind that is wanted, was counted as RoCE, its flow too. */
static __always_inline bool counted_roce(struct xdp_md *ctx, const struct cursor *cursor,
					 const key_word *key, const __u32 words,
					 const struct link *link, const struct transport *found,
					 const __u32 framing, __u32 epoch, __u64 bytes)
{
	if (!is_roce(found->kind) || !options.roce)
		return false;
	if (found->kind == KIND_ROCE_V2) {
		enum steady steady =
			count_steady(ctx, cursor, key, words, link, found, framing, epoch, bytes);

		if (steady != STEADY_NOT)
			return steady == STEADY_COUNTED;
	}
	count_roce_whole(ctx, 0, framing, bytes);
	return true;
}

/* Counts a packet whose key has its addresses. */
static __always_inline int count_found(struct xdp_md *ctx, const struct cursor *cursor,
				       key_word *key, const __u32 words, const struct link *link,
				       const struct transport *found, const __u32 framing,
				       __u64 bytes)
{
	__u32 epoch = epoch_now();

	if (kind_wanted(found->kind, framing)) {
		if (__builtin_expect(found->kind > KIND_UDP, 0) &&
		    (counted_roce(ctx, cursor, key, words, link, found, framing, epoch, bytes) ||
		     counted_mirrored(ctx, found, framing, bytes)))
			return COUNTED;
		key_describe(key, words, link, found);
		key_fold_ports(key, words);
	} else {
		if (counted_mirrored(ctx, found, framing, bytes))
			return COUNTED;
		__builtin_memset(key, 0, words * sizeof(*key));
	}
	key_name(key, words, ctx, found);
	count_key(key, words, epoch, bytes);
	return COUNTED;
}

static __always_inline int count_ipv4(struct xdp_md *ctx, struct cursor *cursor,
				      const struct link *link, const __u32 framing, __u64 bytes)
{
	struct transport found = {};
	struct flow_key4 key = {};
	__u32 reason;

	if (dscp_wanted(true))
		found.qp = dscp_at(cursor, true);
	reason = parse_ipv4(cursor, framing, &key, &found);
	if (reason)
		return reason;
	return count_found(ctx, cursor, (key_word *)&key, KEY4_WORDS, link, &found, framing, bytes);
}

static __always_inline int count_ipv6(struct xdp_md *ctx, struct cursor *cursor,
				      const struct link *link, const __u32 framing, __u64 bytes)
{
	struct transport found = {};
	struct flow_key6 key = {};
	__u32 reason;

	if (dscp_wanted(false))
		found.qp = dscp_at(cursor, false);
	reason = parse_ipv6(ctx, cursor, framing, &key, &found);
	if (reason)
		return reason;
	return count_found(ctx, cursor, (key_word *)&key, KEY6_WORDS, link, &found, framing, bytes);
}

/* Returns COUNTED, or the frame_reason why there is no flow. */
static __always_inline int count_network(struct xdp_md *ctx, struct cursor *cursor,
					 const struct link *link, const __u32 framing, __u64 bytes)
{
	switch (link->ethertype) {
	case ETHERTYPE_IPV4:
		return count_ipv4(ctx, cursor, link, framing, bytes);
	case ETHERTYPE_IPV6:
		return count_ipv6(ctx, cursor, link, framing, bytes);
	case ETHERTYPE_ROCE_V1:
		return count_roce_whole(ctx, 0, framing, bytes);
	case ETHERTYPE_MAC:
		return reason_of_mac_control(cursor);
	}
	return reason_of_ethertype(link->ethertype);
}

#endif
