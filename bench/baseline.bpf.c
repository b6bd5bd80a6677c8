// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a good plain design does, to measure ours against: the same parser, one hash map
 * for all CPUs, look up, add atomically, insert where there is nothing. Preallocated,
 * which is the faster kind. No masks, no two halves, no overflow counters.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "cursor.h"
#include "ip.h"
#include "length.h"
#include "link.h"
#include "transport.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FLOW_MAP(name, key_type)                                                                   \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 131072);                                                       \
		__type(key, key_type);                                                             \
		__type(value, struct flow_count);                                                  \
	} name SEC(".maps")

FLOW_MAP(flows4, struct flow_key4);
FLOW_MAP(flows6, struct flow_key6);

static __always_inline void describe(struct flow_traits *traits, struct xdp_md *ctx,
				     const struct link *link, const struct transport *found)
{
	traits->src_port = found->src_port;
	traits->dst_port = found->dst_port;
	traits->ifindex = ctx->ingress_ifindex;
	traits->protocol = found->protocol;
	traits->kind = found->kind;
	traits->vlan = link->vlan;
	traits->qp = found->qp;
}

static __always_inline void count(void *flows, const void *key, __u64 bytes)
{
	struct flow_count first = {.packets = 1, .bytes = bytes};
	struct flow_count *total;

	total = bpf_map_lookup_elem(flows, key);
	if (!total) {
		if (!bpf_map_update_elem(flows, key, &first, BPF_NOEXIST))
			return;
		total = bpf_map_lookup_elem(flows, key); /* another CPU was first */
		if (!total)
			return;
	}
	__sync_fetch_and_add(&total->packets, 1);
	__sync_fetch_and_add(&total->bytes, bytes);
}

SEC("xdp.frags") int baseline(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u64 bytes = frame_length(ctx);
	struct transport found = {};
	struct link link = {};

	parse_ethernet(&cursor, &link);
	if (link.reason)
		return XDP_PASS;
	if (link.ethertype == ETHERTYPE_IPV4) {
		struct flow_key4 key = {};

		if (parse_ipv4(&cursor, FRAMING_ETHERNET, &key, &found))
			return XDP_PASS;
		describe(&key.traits, ctx, &link, &found);
		count(&flows4, &key, bytes);
	} else if (link.ethertype == ETHERTYPE_IPV6) {
		struct flow_key6 key = {};

		if (parse_ipv6(ctx, &cursor, FRAMING_ETHERNET, &key, &found))
			return XDP_PASS;
		describe(&key.traits, ctx, &link, &found);
		count(&flows6, &key, bytes);
	}
	return XDP_PASS;
}
