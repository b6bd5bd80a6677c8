/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a network header to addresses and, by transport.h, to what the key wants. Pure: no maps, no
 * state. Byte order is converted in the parsers and nowhere else.
 *
 * A packet ends where the IP header says, or where the buffer ends, whichever comes
 * first: what lies between them is Ethernet padding and must not be taken for ports.
 */
#ifndef XTRACE_IP_H
#define XTRACE_IP_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "cursor.h"
#include "transport.h"

/* Extension headers, IANA. */
#define PROTO_HOP_BY_HOP    0
#define PROTO_ROUTING	    43
#define PROTO_FRAGMENT	    44
#define PROTO_AUTH	    51
#define PROTO_DESTINATION   60
#define PROTO_MOBILITY	    135
#define PROTO_HIP	    139
#define PROTO_SHIM6	    140
#define IPV6_EXTENSIONS_MAX 8

/* A length that no frame reaches, far from overflow when offsets are added. */
#define PACKET_LENGTH_UNKNOWN 0x100000

/* Bytes of an IPv4 packet, or of an IPv6 packet's payload, before it is divided (RFC 791, 3.1;
 * RFC 8200, 4.5). */
#define DATAGRAM_BYTES_MAX 0xffff

#define IPV4_OFFSET_MASK    0x1fff
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV6_OFFSET_MASK    0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_BYTES 8

#define GRH_NEXT_HEADER 0x1b

struct ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 checksum;
	__u8 src_ip[4];
	__u8 dst_ip[4];
};

struct ipv6_header {
	__be32 version_class_flow;
	__be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	__u8 src_ip[16];
	__u8 dst_ip[16];
};

/* The first 8 bytes of every IPv6 extension header (RFC 8200, 4.2 and 4.5). */
struct ipv6_extension {
	__u8 next_header;
	__u8 length;
	__be16 offset; /* fragment header only */
	__u32 rest;
};

/* The DSCP of the IP header or GRH at the cursor, as flow_traits.qp has it; 0 where the frame ends
 * before. Apart from the parsers: of TCP nobody but who wants the label pays for it. */
static __always_inline __u32 dscp_at(const struct cursor *cursor, const bool is_ipv4)
{
	const struct ipv4_header *ip4 = cursor->pos;
	const struct ipv6_header *ip6 = cursor->pos;

	if (is_ipv4)
		return (void *)(ip4 + 1) > cursor->end ? 0 : (__u32)ip4->tos >> 2 << 24;
	if ((void *)(ip6 + 1) > cursor->end)
		return 0;
	return bpf_ntohl(ip6->version_class_flow) >> 22 << 26 >> 2;
}

/* Returns 0, with the key's addresses and *found filled, or a frame_reason. */
static __always_inline __u32 parse_ipv4(struct cursor *cursor, const __u32 framing,
					struct flow_key4 *key, struct transport *found)
{
	struct ipv4_header *ip = cursor->pos;
	__u32 header_length, total_length;
	bool later;

	if ((void *)(ip + 1) > cursor->end)
		return REASON_IPV4_TRUNCATED;
	if (ip->version_ihl >> 4 != 4)
		return REASON_IPV4_VERSION;
	header_length = (ip->version_ihl & 0x0f) * 4;
	if (header_length < sizeof(*ip))
		return REASON_IPV4_HEADER_LENGTH;
	if (cursor->pos + header_length > cursor->end)
		return REASON_IPV4_TRUNCATED;
	total_length = bpf_ntohs(ip->total_length);
	if (total_length == 0) /* segmentation offload or BIG TCP: the frame says it */
		total_length = PACKET_LENGTH_UNKNOWN;
	if (total_length < header_length)
		return REASON_IPV4_TOTAL_LENGTH;

	__builtin_memcpy(key->src_ip, ip->src_ip, sizeof(key->src_ip));
	__builtin_memcpy(key->dst_ip, ip->dst_ip, sizeof(key->dst_ip));
	later = ip->fragment & bpf_htons(IPV4_OFFSET_MASK);
	found->more = !!(ip->fragment & bpf_htons(IPV4_MORE_FRAGMENTS));
	cursor->pos += header_length;
	return parse_transport(cursor, total_length - header_length, ip->protocol, later, framing,
			       found);
}

static __always_inline bool is_ipv6_extension(__u8 protocol)
{
	switch (protocol) {
	case PROTO_HOP_BY_HOP:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_AUTH:
	case PROTO_DESTINATION:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	}
	return false;
}

/* Where a walk over extension headers ended. */
struct ipv6_walk {
	__u32 offset;  /* of the transport header, from the start of the frame */
	__u8 protocol; /* the last next-header value */
	__u8 later;    /* behind a fragment header with an offset */
	__u8 reason;   /* enum frame_reason */
	__u8 more;     /* behind a fragment header that says: more fragments */
};
_Static_assert(sizeof(struct ipv6_walk) == sizeof(__u64), "returned in one register");

/* Walks extension headers from `offset` on; the packet ends at `end` by its IP header
 * (may lie beyond the frame). Returns a struct ipv6_walk.
 *
 * A global function with scalars only, so that the verifier looks at the walk once and
 * not once for every way that leads here; few packets pay the call. */
__noinline __u64 walk_ipv6_extensions(struct xdp_md *ctx, __u32 offset, __u32 end, __u32 protocol)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ipv6_walk walk = {.protocol = protocol};
	union {
		struct ipv6_walk walk;
		__u64 packed;
	} result;

	for (int depth = 0; depth < IPV6_EXTENSIONS_MAX; depth++) {
		struct ipv6_extension *extension;
		__u32 length;

		if (!is_ipv6_extension(walk.protocol))
			goto done;
		offset &= HEADER_OFFSET_MASK;
		extension = data + offset;
		if ((void *)(extension + 1) > data_end || offset + sizeof(*extension) > end)
			goto truncated;

		if (walk.protocol == PROTO_FRAGMENT) {
			length = sizeof(*extension);
			walk.later = !!(extension->offset & bpf_htons(IPV6_OFFSET_MASK));
			walk.more |= !!(extension->offset & bpf_htons(IPV6_MORE_FRAGMENTS));
		} else if (walk.protocol == PROTO_AUTH) { /* RFC 4302, 2.2 */
			length = ((__u32)extension->length + 2) * 4;
		} else { /* RFC 8200, 4.3 */
			length = ((__u32)extension->length + 1) * 8;
		}
		walk.protocol = extension->next_header;
		offset += length;
		if (offset > end || data + offset > data_end)
			goto truncated;
		if (walk.later)
			goto done;
	}
	if (is_ipv6_extension(walk.protocol))
		walk.reason = REASON_IPV6_EXTENSION_DEPTH;
	goto done;
truncated:
	walk.reason = REASON_IPV6_EXTENSION_TRUNCATED;
done:
	walk.offset = offset;
	result.walk = walk;
	return result.packed;
}

/* Returns 0, with the key's addresses and *found filled, or a frame_reason. */
static __always_inline __u32 parse_ipv6(struct xdp_md *ctx, struct cursor *cursor,
					const __u32 framing, struct flow_key6 *key,
					struct transport *found)
{
	void *data = (void *)(long)ctx->data;
	struct ipv6_header *ip = cursor->pos;
	union {
		struct ipv6_walk walk;
		__u64 packed;
	} result = {};
	__u32 length;

	if ((void *)(ip + 1) > cursor->end)
		return REASON_IPV6_TRUNCATED;
	if ((bpf_ntohl(ip->version_class_flow) >> 28) != 6)
		return REASON_IPV6_VERSION;
	length = bpf_ntohs(ip->payload_length);
	if (length == 0) /* jumbogram or BIG TCP: the frame says it */
		length = PACKET_LENGTH_UNKNOWN;

	__builtin_memcpy(key->src_ip, ip->src_ip, sizeof(key->src_ip));
	__builtin_memcpy(key->dst_ip, ip->dst_ip, sizeof(key->dst_ip));
	result.walk.protocol = ip->next_header;
	cursor->pos = ip + 1;
	if (is_ipv6_extension(result.walk.protocol)) {
		__u32 offset = cursor->pos - data;

		result.packed =
			walk_ipv6_extensions(ctx, offset, offset + length, result.walk.protocol);
		if (result.walk.reason)
			return result.walk.reason;
		length -= result.walk.offset - offset;
		found->more = result.walk.more;
		cursor->pos = data + (result.walk.offset & HEADER_OFFSET_MASK);
	}
	return parse_transport(cursor, length, result.walk.protocol, result.walk.later, framing,
			       found);
}

/* RoCE v1: a GRH, shaped like an IPv6 header, and a BTH, where it leaves the cursor. Returns 0, or
 * a frame_reason, and then found->malformed where a GRH has no BTH behind it. */
static __always_inline __u32 parse_roce_v1(struct cursor *cursor, struct flow_key6 *key,
					   struct transport *found)
{
	struct ipv6_header *grh = cursor->pos;
	struct bth *bth = (void *)(grh + 1);
	bool is_version, is_next;

	found->roce_version = 1;
	if ((void *)(grh + 1) > cursor->end)
		return REASON_GRH_TRUNCATED;
	is_version = (bpf_ntohl(grh->version_class_flow) >> 28) == 6;
	is_next = grh->next_header == GRH_NEXT_HEADER;
	if ((void *)(bth + 1) > cursor->end) {
		if (is_version && is_next)
			found->malformed = ROCE_MALFORMED_SHORT;
		return REASON_GRH_TRUNCATED;
	}
	if (!is_version)
		return REASON_GRH_VERSION;
	if (!is_next)
		return REASON_GRH_NEXT_HEADER;
	if (bpf_ntohs(grh->payload_length) < ROCE_BYTES_MIN) {
		found->malformed = ROCE_MALFORMED_SHORT;
		return REASON_GRH_PAYLOAD_LENGTH;
	}
	found->malformed = bth_malformed(bth);
	if (found->malformed)
		return REASON_BTH_INVALID;

	__builtin_memcpy(key->src_ip, grh->src_ip, sizeof(key->src_ip));
	__builtin_memcpy(key->dst_ip, grh->dst_ip, sizeof(key->dst_ip));
	cursor->pos = bth;
	found->kind = KIND_ROCE_V1;
	found->protocol = PROTOCOL_ROCE_V1;
	found->qp |= bth_dest_qp(bth);
	return 0;
}

#endif
