/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * RoCE that a switch mirrors to us inside GRE: what is inside counts as if it had come by
 * itself. All else in GRE stays what it is.
 *
 * GRE: RFC 2784, 2890. ERSPAN types I to III: draft-foschiano-erspan-03, include/net/erspan.h.
 */
#ifndef XTRACE_MIRROR_H
#define XTRACE_MIRROR_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "packet.h"
#include "parse.h"

#define GRE_BYTES	    4
#define GRE_CHECKSUM	    0x8000
#define GRE_ROUTING	    0x4000
#define GRE_KEY		    0x2000
#define GRE_SEQUENCE	    0x1000
#define GRE_VERSION	    0x0007
#define GRE_OPTION_BYTES    4
#define GRE_TYPE_ETHERNET   0x6558 /* transparent Ethernet bridging */
#define GRE_TYPE_ERSPAN	    0x88be /* type I, or with a sequence number II */
#define GRE_TYPE_ERSPAN_III 0x22eb
#define GRE_TYPE_NVIDIA	    0x8949 /* plain Ethernet behind it */
#define ERSPAN_II_BYTES	    8
#define ERSPAN_III_BYTES    12
#define ERSPAN_III_OPTION   0x01 /* last bit of the header: 8 more bytes follow */
#define ERSPAN_III_MORE	    8

struct gre_header {
	__be16 flags;
	__be16 type;
};

/* Offset of the Ethernet frame inside the GRE packet at offset; 0 where there is none. */
static __always_inline __u32 mirrored_frame(struct xdp_md *ctx, __u32 offset)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct gre_header *gre = data + offset;
	__u32 flags;
	__u8 *last;

	if ((void *)(gre + 1) > data_end)
		return 0;
	flags = bpf_ntohs(gre->flags);
	if (flags & (GRE_VERSION | GRE_ROUTING))
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

/* Leaves the cursor at the GRE header of a frame that is known to have one, and returns 0; else,
 * and in later fragments, returns -1. */
static __always_inline int find_gre(struct xdp_md *ctx, struct cursor *cursor, __u32 framing)
{
	struct transport found = {};
	struct flow_key4 key4 = {};
	struct flow_key6 key6 = {};
	struct link link = {};
	__u32 reason;

	parse_link(cursor, framing, &link);
	if (link.reason)
		return -1;
	if (link.ethertype == ETHERTYPE_IPV4)
		reason = parse_ipv4(cursor, FRAMING_ETHERNET, &key4, &found);
	else
		reason = parse_ipv6(ctx, cursor, FRAMING_ETHERNET, &key6, &found);
	return reason || found.later ? -1 : 0;
}

/* Returns 1 where a RoCE packet inside the GRE of this frame was counted, else 0.
 *
 * A global function: the verifier looks at it once, and frames without GRE never come here. */
__noinline int count_mirrored(struct xdp_md *ctx, __u32 framing, __u32 bytes)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct link link = {};
	__u32 start;

	if (find_gre(ctx, &cursor, framing))
		return 0;
	start = mirrored_frame(ctx, offset_of(ctx, &cursor) & HEADER_OFFSET_MASK);
	if (!start)
		return 0;
	cursor.pos = (void *)(long)ctx->data + start;
	parse_ethernet(&cursor, &link);
	if (link.reason)
		return 0;
	return count_network(ctx, &cursor, &link, start, FRAMING_ETHERNET, bytes, true) == COUNTED;
}

#endif
