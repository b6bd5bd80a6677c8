// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How NetObserv's agent counts at TC, as an XDP program: one hash for all CPUs that is not
 * preallocated, a key of 40 bytes for both IP versions, a value of 104 bytes that a spin lock
 * guards, a clock read for every packet. Map type, sizes and lock are those of its published
 * layout; the program and the parser are ours. Left out are its filters, its sampling, and
 * the ring buffer that takes what the hash refuses.
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

struct netobserv_key {
	__u8 src_ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 dst_ip[16];
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 pad;
};
_Static_assert(sizeof(struct netobserv_key) == 40, "netobserv_key");

struct netobserv_count {
	__u64 first_seen_ns;
	__u64 last_seen_ns;
	__u64 bytes;
	__u32 packets;
	__u16 ethertype;
	__u16 tcp_flags;
	__u8 src_mac[6];
	__u8 dst_mac[6];
	__u32 ifindex;
	struct bpf_spin_lock lock;
	__u32 error;
	__u8 others[48]; /* sampling, DSCP, further interfaces, TLS */
};
_Static_assert(sizeof(struct netobserv_count) == 104, "netobserv_count");

/* Key: a flow; value: its counts. Writer: the program on every CPU, under the value's lock.
 * Deleter: the runner. Full: the packet is not counted. The agent's own takes 5,000 flows by
 * default; here all flows of a row must find room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct netobserv_key);
	__type(value, struct netobserv_count);
} flows SEC(".maps");

static __always_inline void add(struct netobserv_count *total, struct xdp_md *ctx, __u64 bytes,
				__u64 now_ns)
{
	bpf_spin_lock(&total->lock);
	total->packets++;
	total->bytes += bytes;
	total->last_seen_ns = now_ns;
	if (total->ifindex != ctx->ingress_ifindex)
		total->error = 1; /* one interface is all there is */
	bpf_spin_unlock(&total->lock);
}

static __always_inline void count(const struct netobserv_key *key, struct xdp_md *ctx,
				  __u16 ethertype, __u64 bytes)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct netobserv_count *total;
	struct netobserv_count first = {
		.first_seen_ns = now_ns,
		.last_seen_ns = now_ns,
		.bytes = bytes,
		.packets = 1,
		.ethertype = ethertype,
	};
	__u8 *frame = (void *)(long)ctx->data;

	total = bpf_map_lookup_elem(&flows, key);
	if (total) {
		add(total, ctx, bytes, now_ns);
		return;
	}
	first.ifindex = ctx->ingress_ifindex;
	if (frame + 12 <= (__u8 *)(long)ctx->data_end) {
		__builtin_memcpy(first.dst_mac, frame, sizeof(first.dst_mac));
		__builtin_memcpy(first.src_mac, frame + 6, sizeof(first.src_mac));
	}
	if (!bpf_map_update_elem(&flows, key, &first, BPF_NOEXIST))
		return;
	total = bpf_map_lookup_elem(&flows, key); /* another CPU was first */
	if (total)
		add(total, ctx, bytes, now_ns);
}

static __always_inline void map_address(__u8 *address, const __u8 *ipv4)
{
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, ipv4, 4);
}

SEC("xdp.frags") int netobserv(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u64 bytes = frame_length(ctx);
	struct netobserv_key key = {};
	struct transport found = {};
	struct link link = {};

	parse_ethernet(&cursor, &link);
	if (link.reason)
		return XDP_PASS;
	if (link.ethertype == ETHERTYPE_IPV4) {
		struct flow_key4 parsed = {};

		if (parse_ipv4(&cursor, FRAMING_ETHERNET, &parsed, &found))
			return XDP_PASS;
		map_address(key.src_ip, parsed.src_ip);
		map_address(key.dst_ip, parsed.dst_ip);
	} else if (link.ethertype == ETHERTYPE_IPV6) {
		struct flow_key6 parsed = {};

		if (parse_ipv6(ctx, &cursor, FRAMING_ETHERNET, &parsed, &found))
			return XDP_PASS;
		__builtin_memcpy(key.src_ip, parsed.src_ip, sizeof(key.src_ip));
		__builtin_memcpy(key.dst_ip, parsed.dst_ip, sizeof(key.dst_ip));
	} else {
		return XDP_PASS;
	}
	key.src_port = found.src_port;
	key.dst_port = found.dst_port;
	key.protocol = found.protocol;
	count(&key, ctx, link.ethertype, bytes);
	return XDP_PASS;
}
