/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a network header to counts: the flow of the packet, and what RoCE has to say of itself.
 */
#ifndef XTRACE_PACKET_H
#define XTRACE_PACKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "count.h"
#include "options.h"
#include "parse.h"
#include "roce.h"

/* What count_network() returns where it is not a frame_reason. */
#define COUNTED	  (-1)
#define UNCOUNTED (-2) /* no RoCE, where only RoCE was asked for */

int count_mirrored(struct xdp_md *ctx, __u32 offset, __u32 bytes);

static __always_inline bool kind_wanted(__u8 kind, const __u32 framing)
{
	return options.kinds_wanted[framing] >> (kind & 31) & 1;
}

static __always_inline __u32 offset_of(struct xdp_md *ctx, const struct cursor *cursor)
{
	return cursor->pos - (void *)(long)ctx->data;
}

/* What is counted beside the flow. Before it, so that nothing has to be kept across.
 * network: offset of the IP header or GRH. */
static __always_inline void observe(struct xdp_md *ctx, __u32 network, const struct cursor *cursor,
				    const struct transport *found, __u64 bytes)
{
	if (options.roce && found->roce_version)
		count_roce(ctx, network, offset_of(ctx, cursor),
			   found->roce_version | (__u32)found->malformed << 8, bytes);
}

static __always_inline int count_ipv4(struct xdp_md *ctx, struct cursor *cursor, __u16 vlan,
				      const __u32 framing, __u64 bytes, const bool roce_only)
{
	__u32 network = offset_of(ctx, cursor);
	struct transport found = {};
	struct flow_key4 key = {};
	__u32 reason;

	reason = parse_ipv4(cursor, framing, &key, &found);
	if (roce_only && (reason || found.kind != KIND_ROCE_V2))
		return UNCOUNTED;
	if (reason)
		return reason;
	if (!roce_only && options.decap_mirror && found.gre &&
	    count_mirrored(ctx, offset_of(ctx, cursor), bytes))
		return COUNTED;
	if (kind_wanted(found.kind, framing)) {
		observe(ctx, network, cursor, &found, bytes);
		key.src_port = found.src_port;
		key.dst_port = found.dst_port;
		key.protocol = found.protocol;
		key.vlan = vlan;
		key.qp = found.qp;
	} else {
		__builtin_memset(&key, 0, sizeof(key));
	}
	key.ifindex = ctx->ingress_ifindex;
	key.kind = found.kind;
	count4(&key, bytes);
	return COUNTED;
}

/* The same for IPv6 and, where ethertype says so, RoCE v1. */
static __always_inline int count_ipv6(struct xdp_md *ctx, struct cursor *cursor,
				      const struct link *link, const __u32 framing, __u64 bytes,
				      const bool roce_only)
{
	__u32 network = offset_of(ctx, cursor);
	struct transport found = {};
	struct flow_key6 key = {};
	__u32 reason;

	reason = link->ethertype == ETHERTYPE_IPV6 ? parse_ipv6(ctx, cursor, framing, &key, &found)
						   : parse_roce_v1(cursor, &key, &found);
	if (roce_only && (reason || (found.kind != KIND_ROCE_V2 && found.kind != KIND_ROCE_V1)))
		return UNCOUNTED;
	if (reason)
		return reason;
	if (!roce_only && options.decap_mirror && found.gre &&
	    count_mirrored(ctx, offset_of(ctx, cursor), bytes))
		return COUNTED;
	if (kind_wanted(found.kind, framing)) {
		observe(ctx, network, cursor, &found, bytes);
		key.src_port = found.src_port;
		key.dst_port = found.dst_port;
		key.protocol = found.protocol;
		key.vlan = link->vlan;
		key.qp = found.qp;
	} else {
		__builtin_memset(&key, 0, sizeof(key));
	}
	key.ifindex = ctx->ingress_ifindex;
	key.kind = found.kind;
	count6(&key, bytes);
	return COUNTED;
}

/* Returns COUNTED, UNCOUNTED, or the frame_reason why there is no flow. */
static __always_inline int count_network(struct xdp_md *ctx, struct cursor *cursor,
					 const struct link *link, const __u32 framing, __u64 bytes,
					 const bool roce_only)
{
	switch (link->ethertype) {
	case ETHERTYPE_IPV4:
		return count_ipv4(ctx, cursor, link->vlan, framing, bytes, roce_only);
	case ETHERTYPE_IPV6:
	case ETHERTYPE_ROCE_V1:
		return count_ipv6(ctx, cursor, link, framing, bytes, roce_only);
	}
	if (roce_only)
		return UNCOUNTED;
	if (link->ethertype == ETHERTYPE_MAC)
		return reason_of_mac_control(cursor);
	return reason_of_ethertype(link->ethertype);
}

#endif
