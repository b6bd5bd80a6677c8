/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * RoCE that a switch mirrors to us inside GRE: what is inside counts as if it had come by
 * itself. All else in GRE stays what it is.
 *
 * GRE: RFC 2784, 2890. ERSPAN types I to III: draft-foschiano-erspan-03, include/net/erspan.h.
 */
#ifndef XTRACE_MIRROR_H
#define XTRACE_MIRROR_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "cursor.h"
#include "ip.h"
#include "link.h"
#include "transport.h"

#define GRE_BYTES    4
#define GRE_CHECKSUM 0x8000
#define GRE_KEY	     0x2000
#define GRE_SEQUENCE 0x1000
/* Routing, bits that RFC 1701 alone knew, and the version: RFC 2784, 2.3 wants these discarded. */
#define GRE_NOT_UNDERSTOOD  0x4c07
#define GRE_OPTION_BYTES    4
#define GRE_TYPE_ETHERNET   0x6558 /* transparent Ethernet bridging */
#define GRE_TYPE_ERSPAN	    0x88be /* type I, or with a sequence number II */
#define GRE_TYPE_ERSPAN_III 0x22eb
#define GRE_TYPE_NVIDIA	    0x8949 /* plain Ethernet behind it */
#define ERSPAN_II_BYTES	    8
#define ERSPAN_III_BYTES    12
#define ERSPAN_III_OPTION   0x01 /* last bit of the header: 8 more bytes follow */
#define ERSPAN_III_MORE	    8
#define INNER_END_MAX	    0xffff

struct gre_header {
	__be16 flags;
	__be16 type;
};

/* Offset of the Ethernet frame inside the GRE packet at offset; 0 where there is none. */
static __always_inline __u32 mirrored_frame(struct xdp_md *ctx, __u32 offset)
{
	void *data = frame_start(ctx);
	void *data_end = (void *)(long)ctx->data_end;
	struct gre_header *gre = data + offset;
	__u32 flags;
	__u8 *last;

	if ((void *)(gre + 1) > data_end)
		return 0;
	flags = bpf_ntohs(gre->flags);
	if (flags & GRE_NOT_UNDERSTOOD)
		return 0;
	offset += GRE_BYTES;
	if (flags & GRE_CHECKSUM)
		offset += GRE_OPTION_BYTES;
	if (flags & GRE_KEY)
		offset += GRE_OPTION_BYTES;
	if (flags & GRE_SEQUENCE)
		offset += GRE_OPTION_BYTES;
	switch (bpf_ntohs(gre->type)) {
	case GRE_TYPE_ETHERNET:
	case GRE_TYPE_NVIDIA:
		return offset;
	case GRE_TYPE_ERSPAN:
		return flags & GRE_SEQUENCE ? offset + ERSPAN_II_BYTES : offset;
	case GRE_TYPE_ERSPAN_III:
		last = data + offset + ERSPAN_III_BYTES - 1;
		if ((void *)(last + 1) > data_end)
			return 0;
		offset += ERSPAN_III_BYTES;
		return *last & ERSPAN_III_OPTION ? offset + ERSPAN_III_MORE : offset;
	}
	return 0;
}

/* Offset at which the packet ends whose IP header is at the cursor; 0 where it does not say. What
 * lies behind is padding or a switch's trailer. */
static __always_inline __u32 outer_end(struct xdp_md *ctx, const struct cursor *cursor)
{
	struct ipv4_header *ip4 = cursor->pos;
	struct ipv6_header *ip6 = cursor->pos;
	__u32 length;

	if ((void *)(ip4 + 1) > cursor->end)
		return 0;
	if (ip4->version_ihl >> 4 == 4) {
		length = bpf_ntohs(ip4->total_length);
	} else {
		if ((void *)(ip6 + 1) > cursor->end)
			return 0;
		length = bpf_ntohs(ip6->payload_length);
		if (length)
			length += sizeof(*ip6);
	}
	return length ? offset_of(ctx, cursor) + length : 0;
}

/* Leaves the cursor at the GRE header of a frame that is known to have one, and returns 0; else,
 * and in later fragments, returns -1. */
static __always_inline int find_gre(struct xdp_md *ctx, struct cursor *cursor, __u32 framing,
				    __u32 *end)
{
	struct transport found = {};
	struct flow_key4 key4 = {};
	struct flow_key6 key6 = {};
	struct link link = {};
	__u32 reason;

	parse_link(cursor, framing, &link);
	if (link.reason)
		return -1;
	*end = outer_end(ctx, cursor);
	if (link.ethertype == ETHERTYPE_IPV4)
		reason = parse_ipv4(cursor, FRAMING_ETHERNET, &key4, &found);
	else
		reason = parse_ipv6(ctx, cursor, FRAMING_ETHERNET, &key6, &found);
	return reason || found.later ? -1 : 0;
}

/* Whether the Ethernet frame at the cursor holds RoCE whose BTH is before `end`. */
static __always_inline bool holds_roce(struct xdp_md *ctx, struct cursor *cursor, __u32 end)
{
	struct transport found = {};
	struct flow_key4 key4 = {};
	struct flow_key6 key6 = {};
	struct link link = {};
	__u32 reason, bytes;

	parse_ethernet(cursor, &link);
	if (link.reason)
		return false;
	if (link.ethertype == ETHERTYPE_IPV4)
		reason = parse_ipv4(cursor, FRAMING_ETHERNET, &key4, &found);
	else if (link.ethertype == ETHERTYPE_IPV6)
		reason = parse_ipv6(ctx, cursor, FRAMING_ETHERNET, &key6, &found);
	else if (link.ethertype == ETHERTYPE_ROCE_V1)
		reason = parse_roce_v1(cursor, &key6, &found);
	else
		return false;
	if (reason || (found.kind != KIND_ROCE_V2 && found.kind != KIND_ROCE_V1))
		return false;
	bytes = found.roce_version == 2 ? UDP_HEADER_BYTES + BTH_BYTES : BTH_BYTES;
	return offset_of(ctx, cursor) + bytes <= end;
}

/* Where the RoCE frame inside the GRE of this frame begins, and above bit 16 where it ends at most;
 * 0 where there is none.
 *
 * A global function: the verifier looks at it once, and frames without GRE never come here. */
__noinline __u32 find_mirrored(struct xdp_md *ctx, __u32 framing)
{
	struct cursor cursor = {
		.pos = frame_start(ctx),
		.end = (void *)(long)ctx->data_end,
	};
	__u32 start, end;

	if (find_gre(ctx, &cursor, framing, &end))
		return 0;
	start = mirrored_frame(ctx, offset_of(ctx, &cursor) & HEADER_OFFSET_MASK);
	asm volatile("" : "+r"(start)); /* a number for the verifier, not a pointer less another */
	start &= HEADER_OFFSET_MASK;
	if (!start)
		return 0;
	if (!end || end > INNER_END_MAX)
		end = INNER_END_MAX;
	cursor.pos = frame_start(ctx) + start;
	return holds_roce(ctx, &cursor, end) ? start | end << 16 : 0;
}

#endif
