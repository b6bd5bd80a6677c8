/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a frame to a key. Pure: no maps, no helpers, no state. Every parser checks bounds
 * before it reads, advances the cursor, and returns 0 or the reason why the frame has no
 * flow. Byte order is converted here and nowhere else.
 *
 * A packet ends where the IP header says, or where the buffer ends, whichever comes
 * first: what lies between them is Ethernet padding and must not be taken for ports.
 */
#ifndef XTRACE_PARSE_H
#define XTRACE_PARSE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"

/* EtherTypes, IEEE 802.3 and 802.1Q. */
#define ETHERTYPE_IPV4	   0x0800
#define ETHERTYPE_ARP	   0x0806
#define ETHERTYPE_RARP	   0x8035
#define ETHERTYPE_VLAN	   0x8100
#define ETHERTYPE_IPV6	   0x86dd
#define ETHERTYPE_VLAN_AD  0x88a8
#define ETHERTYPE_MAC	   0x8808 /* MAC control */
#define MAC_CONTROL_PAUSE  0x0001
#define MAC_CONTROL_PFC	   0x0101
#define ETHERTYPE_ROCE_V1  0x8915 /* ETH_P_IBOE; 0x8914 is FCoE's, not ours */
#define ETHERTYPE_VLAN_OLD 0x9100
#define ETHERTYPE_MIN	   0x0600 /* below: an 802.3 length */
#define VLAN_TAGS_MAX	   2
#define VLAN_ID_MASK	   0x0fff

/* IP protocol numbers, IANA. */
#define PROTO_HOP_BY_HOP    0
#define PROTO_TCP	    6
#define PROTO_UDP	    17
#define PROTO_DCCP	    33
#define PROTO_ROUTING	    43
#define PROTO_FRAGMENT	    44
#define PROTO_GRE	    47
#define PROTO_AUTH	    51
#define PROTO_DESTINATION   60
#define PROTO_SCTP	    132
#define PROTO_MOBILITY	    135
#define PROTO_UDPLITE	    136
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

#define IPOIB_PSEUDO_BYTES 20 /* skb_add_pseudo_hdr() pushes 20 zero bytes before the header */

#define ROCE_V2_PORT	   4791
#define GRH_NEXT_HEADER	   0x1b
#define BTH_BYTES	   12
#define ICRC_BYTES	   4
#define UDP_HEADER_BYTES   8
#define ROCE_BYTES_MIN	   (BTH_BYTES + ICRC_BYTES)
#define ROCE_UDP_BYTES_MIN (UDP_HEADER_BYTES + ROCE_BYTES_MIN)

/* A parser's place in the first buffer of a frame. */
struct cursor {
	void *pos;
	void *end;
};

/* The frame's first byte, where it is used for offsets too: else the compiler may copy the pointer
 * as the 32-bit number that the field is, which it is not for the verifier. */
static __always_inline void *frame_start(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	asm volatile("" : "+r"(data));
	return data;
}

static __always_inline __u32 offset_of(struct xdp_md *ctx, const struct cursor *cursor)
{
	__u64 offset = cursor->pos - frame_start(ctx);

	/* Else the compiler adds to the pointer first, in 32 bits, which the verifier forbids. */
	asm volatile("" : "+r"(offset));
	return offset;
}

/* What comes next, and the few facts of the link layer that the key wants. */
struct link {
	__u16 ethertype; /* host order */
	__u16 vlan;	 /* id of the outer tag */
	__u32 reason;	 /* enum frame_reason; 0: go on by ethertype */
};

struct vlan_tag {
	__be16 control;
	__be16 ethertype;
};

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

/* The first 8 bytes of UDP; the first 4 are those of TCP, SCTP, UDP-Lite and DCCP too. */
struct udp_header {
	__be16 src_port;
	__be16 dst_port;
	__be16 length;
	__be16 checksum;
};

/* InfiniBand base transport header, IBTA vol. 1, 9.2. */
struct bth {
	__u8 opcode;
	__u8 flags; /* SE, M, pad count, transport version (low nibble) */
	__be16 pkey;
	__u8 congestion;
	__u8 dest_qp[3];
	__be32 psn;
};

/* What the transport parser found. */
struct transport {
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 kind;
	__u8 roce_version; /* 1 or 2; 0: nothing that count_roce() should see */
	__u8 malformed;	   /* enum roce_malformed */
	__u32 qp;
	__u16 later; /* 1: a fragment other than the first */
	__u16 more;  /* 1: a fragment other than the last */
};

/* Opcodes that exist, a bit each. Transport = upper three bits: RC, UC, RD, UD, CNP, XRC,
 * and 0xc0-0xff left to vendors (IBTA vol. 1, table 38; include/rdma/ib_pack.h). */
static __always_inline bool bth_opcode_known(__u8 opcode)
{
	__u32 operation = opcode & 0x1f;
	__u32 known;

	switch (opcode >> 5) {
	case 0: /* RC: 00-14, 16, 17, FLUSH 1c, ATOMIC_WRITE 1d */
		known = 0x30dfffff;
		break;
	case 1: /* UC: SEND and WRITE */
		known = 0x00000fff;
		break;
	case 2: /* RD: as RC, and RESYNC 15 */
		known = 0x003fffff;
		break;
	case 3: /* UD: SEND_ONLY, with and without immediate */
		known = 0x00000030;
		break;
	case 4: /* congestion notification */
		known = 0x00000002;
		break;
	case 5: /* XRC: 00-14, 16, 17 */
		known = 0x00dfffff;
		break;
	default:
		known = ~0U;
	}
	return known >> operation & 1;
}

/* enum roce_malformed; 0 where it is a BTH. */
static __always_inline __u32 bth_malformed(const struct bth *bth)
{
	if (bth->flags & 0x0f)
		return ROCE_MALFORMED_VERSION;
	return bth_opcode_known(bth->opcode) ? 0 : ROCE_MALFORMED_OPCODE;
}

static __always_inline __u32 bth_dest_qp(const struct bth *bth)
{
	return (__u32)bth->dest_qp[0] << 16 | (__u32)bth->dest_qp[1] << 8 | bth->dest_qp[2];
}

/* 802.1Q and 802.1ad; and 0x9100, which is in no standard, but which switches older than 802.1ad
 * put before their outer tags. Whatever else somebody uses it for is read as a tag too. */
static __always_inline bool is_vlan(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_VLAN_AD ||
	       ethertype == ETHERTYPE_VLAN_OLD;
}

/* The reason for an EtherType that has no flow. */
static __always_inline __u32 reason_of_ethertype(__u16 ethertype)
{
	if (ethertype < ETHERTYPE_MIN)
		return REASON_LLC;
	if (ethertype == ETHERTYPE_ARP || ethertype == ETHERTYPE_RARP)
		return REASON_ARP;
	return REASON_ETHERTYPE;
}

/* MAC control (IEEE 802.3, 31 and 802.1Qbb): an opcode follows the EtherType. Nearly every MAC
 * takes these frames for itself. */
static __always_inline __u32 reason_of_mac_control(const struct cursor *cursor)
{
	__be16 *opcode = cursor->pos;

	if ((void *)(opcode + 1) > cursor->end)
		return REASON_ETHERTYPE;
	if (*opcode == bpf_htons(MAC_CONTROL_PAUSE))
		return REASON_PAUSE;
	return *opcode == bpf_htons(MAC_CONTROL_PFC) ? REASON_PFC : REASON_ETHERTYPE;
}

/* Ethernet with up to two tags. */
static __always_inline void parse_ethernet(struct cursor *cursor, struct link *link)
{
	void *pos = cursor->pos;

	if (pos + 14 > cursor->end) {
		link->reason = REASON_LINK_TRUNCATED;
		return;
	}
	link->ethertype = bpf_ntohs(*(__be16 *)(pos + 12));
	pos += 14;
#pragma unroll
	for (int tag = 0; tag < VLAN_TAGS_MAX; tag++) {
		struct vlan_tag *vlan = pos;

		if (!is_vlan(link->ethertype))
			break;
		if (pos + sizeof(*vlan) > cursor->end) {
			link->reason = REASON_LINK_TRUNCATED;
			return;
		}
		if (tag == 0)
			link->vlan = bpf_ntohs(vlan->control) & VLAN_ID_MASK;
		link->ethertype = bpf_ntohs(vlan->ethertype);
		pos += sizeof(*vlan);
	}
	if (is_vlan(link->ethertype))
		link->reason = REASON_VLAN_DEPTH;
	cursor->pos = pos;
}

/* IPoIB in generic mode: pseudo header, EtherType, two reserved bytes (RFC 4391, 6). */
static __always_inline void parse_ipoib(struct cursor *cursor, struct link *link)
{
	void *pos = cursor->pos;

	if (pos + IPOIB_PSEUDO_BYTES + 4 > cursor->end) {
		link->reason = REASON_LINK_TRUNCATED;
		return;
	}
	link->ethertype = bpf_ntohs(*(__be16 *)(pos + IPOIB_PSEUDO_BYTES));
	if (link->ethertype == ETHERTYPE_ROCE_V1) /* no RoCE inside InfiniBand */
		link->reason = REASON_ETHERTYPE;
	cursor->pos = pos + IPOIB_PSEUDO_BYTES + 4;
}

/* No L2 header: the version nibble tells. */
static __always_inline void parse_l3(struct cursor *cursor, struct link *link)
{
	__u8 *first = cursor->pos;

	if ((void *)(first + 1) > cursor->end)
		link->reason = REASON_LINK_TRUNCATED;
	else if (*first >> 4 == 4)
		link->ethertype = ETHERTYPE_IPV4;
	else if (*first >> 4 == 6)
		link->ethertype = ETHERTYPE_IPV6;
	else
		link->reason = REASON_L3_VERSION;
}

static __always_inline void parse_link(struct cursor *cursor, __u32 framing, struct link *link)
{
	if (framing == FRAMING_ETHERNET)
		parse_ethernet(cursor, link);
	else if (framing == FRAMING_INFINIBAND)
		parse_ipoib(cursor, link);
	else
		parse_l3(cursor, link);
}

/* Ports, kind and RoCE v2. length: bytes from the cursor to the end of the packet by its
 * IP header. later: a fragment other than the first; what follows is payload. Returns 0
 * or a frame_reason. */
static __always_inline __u32 parse_transport(struct cursor *cursor, __u32 length, __u8 protocol,
					     bool later, const __u32 framing,
					     struct transport *found)
{
	struct udp_header *udp = cursor->pos;
	struct bth *bth = (void *)(udp + 1);

	found->protocol = protocol;
	found->kind = protocol == PROTO_TCP   ? KIND_TCP
		      : protocol == PROTO_UDP ? KIND_UDP
					      : KIND_OTHER;
	if (found->kind == KIND_OTHER && framing == FRAMING_INFINIBAND) {
		found->kind = KIND_INFINIBAND;
		found->protocol = PROTOCOL_INFINIBAND;
	}
	found->later = later;
	if (later)
		return 0;

	switch (protocol) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_DCCP:
	case PROTO_SCTP:
	case PROTO_UDPLITE:
		break;
	default:
		return 0;
	}
	if (length < 4 || (void *)udp + 4 > cursor->end)
		return REASON_TRANSPORT_TRUNCATED;
	if (found->kind == KIND_INFINIBAND)
		return 0;
	found->src_port = bpf_ntohs(udp->src_port);
	found->dst_port = bpf_ntohs(udp->dst_port);

	if (protocol != PROTO_UDP)
		return 0;
	if (found->dst_port != ROCE_V2_PORT && found->src_port != ROCE_V2_PORT)
		return 0;

	found->kind = KIND_ROCE_V2_UDP;
	if (found->dst_port != ROCE_V2_PORT) /* the source port is entropy, not a service */
		return 0;
	found->roce_version = 2;
	/* The frame may be a copy that was cut off: of it the BTH is enough. */
	if (length < ROCE_UDP_BYTES_MIN || (void *)(bth + 1) > cursor->end ||
	    bpf_ntohs(udp->length) < ROCE_UDP_BYTES_MIN) {
		found->malformed = ROCE_MALFORMED_SHORT;
		return 0;
	}
	found->malformed = bth_malformed(bth);
	if (found->malformed)
		return 0;
	found->kind = KIND_ROCE_V2;
	found->protocol = PROTOCOL_ROCE_V2;
	found->qp = bth_dest_qp(bth);
	return 0;
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

/* No header lies deeper: Ethernet with two tags, IPv6, eight extensions of at most 2,048
 * bytes. As a mask it also bounds the offset for the verifier. */
#define HEADER_OFFSET_MASK 0x7fff

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
	found->qp = bth_dest_qp(bth);
	return 0;
}

#endif
