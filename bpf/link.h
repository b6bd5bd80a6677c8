/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a frame's first byte to its network header. Pure: no maps, no helpers, no state.
 */
#ifndef XTRACE_LINK_H
#define XTRACE_LINK_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "cursor.h"

/* EtherTypes, IEEE 802.3 and 802.1Q. */
#define ETHERTYPE_IPV4	      0x0800
#define ETHERTYPE_ARP	      0x0806
#define ETHERTYPE_RARP	      0x8035
#define ETHERTYPE_VLAN	      0x8100
#define ETHERTYPE_IPV6	      0x86dd
#define ETHERTYPE_VLAN_AD     0x88a8
#define ETHERTYPE_MAC	      0x8808 /* MAC control */
#define MAC_CONTROL_PAUSE     0x0001
#define MAC_CONTROL_PFC	      0x0101
#define ETHERTYPE_ROCE_V1     0x8915 /* ETH_P_IBOE; 0x8914 is FCoE's, not ours */
#define ETHERTYPE_VLAN_OLD    0x9100
#define ETHERTYPE_MIN	      0x0600 /* below: an 802.3 length */
#define ETHERNET_HEADER_BYTES 14
#define ETHERTYPE_OFFSET      12 /* behind two addresses */
#define VLAN_TAGS_MAX	      2
#define VLAN_ID_MASK	      0x0fff

#define IPOIB_PSEUDO_BYTES 20 /* skb_add_pseudo_hdr() pushes 20 zero bytes before the header */
#define IPOIB_HEADER_BYTES 4  /* EtherType, two reserved bytes (RFC 4391, 6) */

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

	if (pos + ETHERNET_HEADER_BYTES > cursor->end) {
		link->reason = REASON_LINK_TRUNCATED;
		return;
	}
	link->ethertype = bpf_ntohs(*(__be16 *)(pos + ETHERTYPE_OFFSET));
	pos += ETHERNET_HEADER_BYTES;
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

/* IPoIB in generic mode: a pseudo header, then IPoIB's own. */
static __always_inline void parse_ipoib(struct cursor *cursor, struct link *link)
{
	void *pos = cursor->pos;

	if (pos + IPOIB_PSEUDO_BYTES + IPOIB_HEADER_BYTES > cursor->end) {
		link->reason = REASON_LINK_TRUNCATED;
		return;
	}
	link->ethertype = bpf_ntohs(*(__be16 *)(pos + IPOIB_PSEUDO_BYTES));
	if (link->ethertype == ETHERTYPE_ROCE_V1) /* no RoCE inside InfiniBand */
		link->reason = REASON_ETHERTYPE;
	cursor->pos = pos + IPOIB_PSEUDO_BYTES + IPOIB_HEADER_BYTES;
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

#endif
