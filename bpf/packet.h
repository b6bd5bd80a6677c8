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

int count_mirrored(struct xdp_md *ctx, __u32 framing, __u32 bytes);

static __always_inline bool kind_wanted(__u8 kind, const __u32 framing)
{
	return options.kinds_wanted[framing] >> (kind & 31) & 1;
}

/* kind_wanted() and the order of tests below: what TCP passes on its way is one comparison of what
 * it has at hand. Offsets kept for count_roce() would cost every packet 1 to 2 ns of 8. */
static __always_inline bool is_roce(__u8 kind)
{
	return (__u8)(kind - KIND_ROCE_V2) <= KIND_ROCE_V1 - KIND_ROCE_V2;
}

/* Whether the BTH at the cursor, or behind the UDP header there, is before the inner frame's end.
 */
static __always_inline bool is_inside(struct xdp_md *ctx, const struct cursor *cursor, __u32 inner,
				      const struct transport *found)
{
	__u32 bytes = found->roce_version == 2 ? UDP_HEADER_BYTES + BTH_BYTES : BTH_BYTES;

	return offset_of(ctx, cursor) + bytes <= inner >> 16;
}

static __always_inline bool is_mirrored(struct xdp_md *ctx, const struct transport *found,
					const __u32 framing, __u64 bytes, const bool roce_only)
{
	return !roce_only && found->kind == KIND_OTHER && found->protocol == PROTO_GRE &&
	       options.decap_mirror && count_mirrored(ctx, framing, bytes);
}

/* inner: of a frame within a frame, the offset of its link header, and above bit 16 the offset of
 * its end; 0 for a frame by itself. */
static __always_inline int count_ipv4(struct xdp_md *ctx, struct cursor *cursor,
				      const struct link *link, __u32 inner, const __u32 framing,
				      __u64 bytes, const bool roce_only)
{
	struct transport found = {};
	struct flow_key4 key = {};
	__u32 reason, epoch;

	reason = parse_ipv4(cursor, framing, &key, &found);
	if (roce_only &&
	    (reason || found.kind != KIND_ROCE_V2 || !is_inside(ctx, cursor, inner, &found)))
		return UNCOUNTED;
	if (reason)
		return reason;
	if (is_mirrored(ctx, &found, framing, bytes, roce_only))
		return COUNTED;
	epoch = epoch_now();
	if (kind_wanted(found.kind, framing)) {
		if (is_roce(found.kind) && options.roce)
			epoch = count_roce(ctx, inner, framing, bytes) & 1;
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
	count4(&key, epoch, bytes);
	return COUNTED;
}

/* The same for IPv6 and, where ethertype says so, RoCE v1. */
static __always_inline int count_ipv6(struct xdp_md *ctx, struct cursor *cursor,
				      const struct link *link, __u32 inner, const __u32 framing,
				      __u64 bytes, const bool roce_only)
{
	struct transport found = {};
	struct flow_key6 key = {};
	__u32 reason, epoch;

	reason = link->ethertype == ETHERTYPE_IPV6 ? parse_ipv6(ctx, cursor, framing, &key, &found)
						   : parse_roce_v1(cursor, &key, &found);
	if (roce_only && (reason || (found.kind != KIND_ROCE_V2 && found.kind != KIND_ROCE_V1) ||
			  !is_inside(ctx, cursor, inner, &found)))
		return UNCOUNTED;
	if (reason)
		return reason;
	if (is_mirrored(ctx, &found, framing, bytes, roce_only))
		return COUNTED;
	epoch = epoch_now();
	if (kind_wanted(found.kind, framing)) {
		if (is_roce(found.kind) && options.roce)
			epoch = count_roce(ctx, inner, framing, bytes) & 1;
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
	count6(&key, epoch, bytes);
	return COUNTED;
}

/* Returns COUNTED, UNCOUNTED, or the frame_reason why there is no flow. */
static __always_inline int count_network(struct xdp_md *ctx, struct cursor *cursor,
					 const struct link *link, __u32 inner, const __u32 framing,
					 __u64 bytes, const bool roce_only)
{
	switch (link->ethertype) {
	case ETHERTYPE_IPV4:
		return count_ipv4(ctx, cursor, link, inner, framing, bytes, roce_only);
	case ETHERTYPE_IPV6:
	case ETHERTYPE_ROCE_V1:
		return count_ipv6(ctx, cursor, link, inner, framing, bytes, roce_only);
	}
	if (roce_only)
		return UNCOUNTED;
	if (link->ethertype == ETHERTYPE_MAC)
		return reason_of_mac_control(cursor);
	return reason_of_ethertype(link->ethertype);
}

#endif
