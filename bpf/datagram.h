/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Whether a UDP datagram is plain: neither options nor extension headers, nor a fragment, and as
 * long as IP, UDP and the frame say. Pure.
 */
#ifndef XTRACE_DATAGRAM_H
#define XTRACE_DATAGRAM_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "ip.h"
#include "link.h"

/* Ethernet with two tags, and then some of the next header: all that network_offset() looks at. */
#define LINK_BYTES_MAX (ETHERNET_HEADER_BYTES + VLAN_TAGS_MAX * sizeof(struct vlan_tag))

static __always_inline bool is_ip(__be16 ethertype)
{
	return ethertype == bpf_htons(ETHERTYPE_IPV4) || ethertype == bpf_htons(ETHERTYPE_IPV6);
}

/* Where the network header of a frame is that parse_link() has taken for IP. Looked up again, as
 * keeping it would cost those who are no RoCE. */
static __always_inline __u32 network_offset(void *data, const __u32 framing)
{
	if (framing == FRAMING_INFINIBAND)
		return IPOIB_PSEUDO_BYTES + IPOIB_HEADER_BYTES;
	if (framing != FRAMING_ETHERNET)
		return 0;
	if (is_ip(*(__be16 *)(data + ETHERTYPE_OFFSET)))
		return ETHERNET_HEADER_BYTES;
	if (is_ip(*(__be16 *)(data + ETHERNET_HEADER_BYTES + 2)))
		return ETHERNET_HEADER_BYTES + sizeof(struct vlan_tag);
	return LINK_BYTES_MAX;
}

/* 1 + the cell of the size of a WRITE that fits into one packet. */
static __always_inline __u8 packet_size_cell(__u32 bytes)
{
	return 1 + (bytes > 64) + (bytes > 256) + (bytes > 1024) + (bytes > 4096) + (bytes > 16384);
}

/* Bytes from the UDP header to the end of the packet, and its TOS or traffic class; 0 unless IP
 * header and frame agree on where that is. Neither options, nor extension headers, nor fragments.
 */
static __always_inline __u32 plain_datagram(void *data, void *data_end, __u32 network,
					    __u32 transport, const bool is_ipv4, __u32 bytes,
					    __u8 *tos)
{
	__u32 length;

	if (is_ipv4) {
		struct ipv4_header *ip = data + network;

		if ((void *)(ip + 1) > data_end || network + sizeof(*ip) != transport ||
		    ip->fragment & bpf_htons(IPV4_OFFSET_MASK | IPV4_MORE_FRAGMENTS))
			return 0;
		length = bpf_ntohs(ip->total_length);
		*tos = ip->tos;
		return network + length == bytes ? length - sizeof(*ip) : 0;
	}
	struct ipv6_header *ip = data + network;

	if ((void *)(ip + 1) > data_end || network + sizeof(*ip) != transport)
		return 0;
	length = bpf_ntohs(ip->payload_length);
	*tos = bpf_ntohl(ip->version_class_flow) >> 20;
	return transport + length == bytes ? length : 0;
}

#endif
