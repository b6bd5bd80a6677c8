/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Ports, kind and RoCE, from the header behind IP. Pure: no maps but read-only data, no state.
 */
#ifndef XTRACE_TRANSPORT_H
#define XTRACE_TRANSPORT_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "bth.h"
#include "cursor.h"

/* IP protocol numbers, IANA; the extension headers of IPv6 are in ip.h. */
#define PROTO_TCP     6
#define PROTO_UDP     17
#define PROTO_DCCP    33
#define PROTO_GRE     47
#define PROTO_SCTP    132
#define PROTO_UDPLITE 136

#define ROCE_V2_PORT	   4791
#define UDP_HEADER_BYTES   8
#define ROCE_BYTES_MIN	   (BTH_BYTES + ICRC_BYTES)
#define ROCE_UDP_BYTES_MIN (UDP_HEADER_BYTES + ROCE_BYTES_MIN)

/* The first 8 bytes of UDP; the first 4 are those of TCP, SCTP, UDP-Lite and DCCP too. */
struct udp_header {
	__be16 src_port;
	__be16 dst_port;
	__be16 length;
	__be16 checksum;
};

/* What the transport parser found. */
struct transport {
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 kind;
	__u8 roce_version; /* 1 or 2; 0: nothing that count_roce() should see */
	__u8 malformed;	   /* enum roce_malformed */
	__u32 qp;	   /* and the DSCP, as in struct flow_traits */
	__u16 later;	   /* 1: a fragment other than the first */
	__u16 more;	   /* 1: a fragment other than the last */
};

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
	found->qp |= bth_dest_qp(bth);
	return 0;
}

#endif
