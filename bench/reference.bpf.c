// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the usual XDP flow exporter counts: one preallocated hash for all CPUs, a key of
 * 16 bytes for IPv4 alone, of which the frame's length and first bytes are part, a clock read for
 * every packet; look up, add atomically, insert with whatever was there before. Written from a
 * description; the parser is ours, so that it is the counting that differs. It does not
 * count IPv6.
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

struct reference_key {
	__u8 src_ip[4];
	__u8 dst_ip[4];
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 length_low;  /* the low byte of the frame's length */
	__u16 first_word; /* of the frame */
};
_Static_assert(sizeof(struct reference_key) == 16, "reference_key");

struct reference_count {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen_ns;
};
_Static_assert(sizeof(struct reference_count) == 24, "reference_count");

/* Key: an IPv4 flow; value: its counts. Writer: the program on every CPU. Deleter: the runner.
 * Full: the packet is not counted. The exporter's own map takes 10,240 flows; here all flows of a
 * row must find room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct reference_key);
	__type(value, struct reference_count);
} flows SEC(".maps");

static __always_inline void count(const struct reference_key *key, __u64 bytes)
{
	struct reference_count first = {.packets = 1, .bytes = bytes};
	struct reference_count *total;

	total = bpf_map_lookup_elem(&flows, key);
	if (!total) {
		first.last_seen_ns = bpf_ktime_get_ns();
		bpf_map_update_elem(&flows, key, &first, BPF_ANY);
		return;
	}
	__sync_fetch_and_add(&total->packets, 1);
	__sync_fetch_and_add(&total->bytes, bytes);
	total->last_seen_ns = bpf_ktime_get_ns();
}

SEC("xdp.frags") int reference(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	const void *frame = cursor.pos;
	__u64 bytes = frame_length(ctx);
	struct reference_key key = {};
	struct flow_key4 parsed = {};
	struct transport found = {};
	struct link link = {};

	parse_ethernet(&cursor, &link);
	if (link.reason || link.ethertype != ETHERTYPE_IPV4)
		return XDP_PASS;
	if (parse_ipv4(&cursor, FRAMING_ETHERNET, &parsed, &found))
		return XDP_PASS;
	__builtin_memcpy(key.src_ip, parsed.src_ip, sizeof(key.src_ip));
	__builtin_memcpy(key.dst_ip, parsed.dst_ip, sizeof(key.dst_ip));
	key.src_port = found.src_port;
	key.dst_port = found.dst_port;
	key.protocol = found.protocol;
	key.length_low = bytes;
	key.first_word = *(__u16 *)frame;
	count(&key, bytes);
	return XDP_PASS;
}
