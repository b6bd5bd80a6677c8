/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What of an IP header or GRH goes into a RoCE stream. Pure.
 */
#ifndef XTRACE_NETWORK_H
#define XTRACE_NETWORK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "cursor.h"
#include "ip.h"
#include "maps.h"

/* Two IPv4 addresses, as a key has them: ::ffff:a.b.c.d. */
static __always_inline void map_addresses(struct roce_key *key, const void *src_ip,
					  const void *dst_ip)
{
	__builtin_memset(key, 0, 2 * sizeof(key->src_ip));
	key->src_ip[10] = key->src_ip[11] = 0xff;
	key->dst_ip[10] = key->dst_ip[11] = 0xff;
	__builtin_memcpy(key->src_ip + 12, src_ip, 4);
	__builtin_memcpy(key->dst_ip + 12, dst_ip, 4);
}

/* Addresses and DSCP into *key, from the IP header or GRH at offset. Returns 0, or -1 where the
 * frame ends before. */
static __always_inline int read_network(struct xdp_md *ctx, __u32 offset, struct roce_key *key,
					struct network *network)
{
	void *data = frame_start(ctx);
	void *data_end = (void *)(long)ctx->data_end;
	struct ipv4_header *ip4 = data + (offset & HEADER_OFFSET_MASK);
	struct ipv6_header *ip6 = (void *)ip4;
	__u32 length;
	__u8 class;

	if ((void *)(ip4 + 1) > data_end)
		return -1;
	if (ip4->version_ihl >> 4 == 4) {
		map_addresses(key, ip4->src_ip, ip4->dst_ip);
		length = bpf_ntohs(ip4->total_length);
		network->whole = offset + DATAGRAM_BYTES_MAX;
		class = ip4->tos;
		network->is_ipv4 = 1;
	} else {
		if ((void *)(ip6 + 1) > data_end)
			return -1;
		__builtin_memcpy(key->src_ip, ip6->src_ip, 16);
		__builtin_memcpy(key->dst_ip, ip6->dst_ip, 16);
		length = bpf_ntohs(ip6->payload_length);
		if (length)
			length += sizeof(*ip6);
		network->whole = offset + sizeof(*ip6) + IPV6_FRAGMENT_BYTES + DATAGRAM_BYTES_MAX;
		class = bpf_ntohl(ip6->version_class_flow) >> 20;
		network->is_ipv4 = 0;
	}
	network->end = length ? offset + length : 0;
	network->codepoint = class & 3;
	key->dscp = class >> 2;
	return 0;
}

#endif
