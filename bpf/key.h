/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * A flow's key as words, for both IP versions: what of a packet goes into it, and how keys are
 * masked, compared and hashed. No maps.
 */
#ifndef XTRACE_KEY_H
#define XTRACE_KEY_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "link.h"
#include "options.h"
#include "transport.h"

/* Inlined and unrolled in full, so that an IPv4 key lives in registers and never in memory: written
 * there field by field and read back as words, it would wait for the stores. */
typedef __u64 __attribute__((may_alias)) key_word;
#define KEY4_WORDS (sizeof(struct flow_key4) / sizeof(key_word))
#define KEY6_WORDS (sizeof(struct flow_key6) / sizeof(key_word))

/* Odd constants of Fibonacci hashing and splitmix64. */
#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL
#define HASH_FINISHER	0xbf58476d1ce4e5b9ULL

/* The tail of either key. */
static __always_inline struct flow_traits *key_traits(key_word *key, const __u32 words)
{
	return words == KEY4_WORDS ? &((struct flow_key4 *)key)->traits
				   : &((struct flow_key6 *)key)->traits;
}

static __always_inline bool kind_wanted(__u8 kind, const __u32 framing)
{
	return options.kinds_wanted[framing] >> (kind & 31) & 1;
}

/* Whether keys keep the DSCP. Read-only data, so that the verifier takes out what it rules out. */
static __always_inline bool dscp_wanted(const bool is_ipv4)
{
	return (is_ipv4 ? options.mask4.traits.qp : options.mask6.traits.qp) >> 24;
}

/* KIND_ROCE_V2, KIND_ROCE_V2_UDP, KIND_ROCE_V1. */
static __always_inline bool is_roce(__u8 kind)
{
	return (__u8)(kind - KIND_ROCE_V2) <= KIND_ROCE_V1 - KIND_ROCE_V2;
}

static __always_inline bool is_ephemeral(__u16 port)
{
	return ephemeral_ports[port >> 5] >> (port & 31) & 1;
}

/* Whether a port is a client's: ephemeral, unless the other is ephemeral too and higher. Both
 * directions agree, as it goes by the two numbers alone. src/abi/port-folding.ts is the same. */
static __always_inline bool folds_port(__u16 port, __u16 other)
{
	return is_ephemeral(port) && !(other > port && is_ephemeral(other));
}

/* Both ports of a packet, the source port lowest, without those of clients. A global function: the
 * programs have no stack left for it, and only who asks for folding pays for the call. */
__noinline __u32 without_clients(__u32 ports)
{
	__u16 src_port = ports, dst_port = ports >> 16;

	if (folds_port(src_port, dst_port))
		ports &= ~0xffffU;
	if (folds_port(dst_port, src_port))
		ports &= 0xffffU;
	return ports;
}

/* What was found besides the addresses, of a kind that is wanted. */
static __always_inline void key_describe(key_word *key, const __u32 words, const struct link *link,
					 const struct transport *found)
{
	struct flow_traits *traits = key_traits(key, words);

	traits->src_port = found->src_port;
	traits->dst_port = found->dst_port;
	traits->protocol = found->protocol;
	traits->vlan = link->vlan;
	traits->qp = found->qp;
}

/* Leaves out the ports of clients where that is asked for. */
static __always_inline void key_fold_ports(key_word *key, const __u32 words)
{
	struct flow_traits *traits = key_traits(key, words);
	__u32 ports;

	if (!options.fold_ports)
		return;
	ports = without_clients(traits->src_port | (__u32)traits->dst_port << 16);
	traits->src_port = ports;
	traits->dst_port = ports >> 16;
}

/* What a key has in any case. */
static __always_inline void key_name(key_word *key, const __u32 words, struct xdp_md *ctx,
				     const struct transport *found)
{
	struct flow_traits *traits = key_traits(key, words);

	traits->ifindex = ctx->ingress_ifindex;
	traits->kind = found->kind;
}

static __always_inline void key_mask(key_word *key, const __u32 words)
{
	const volatile key_word *mask = words == KEY4_WORDS
						? (const volatile key_word *)&options.mask4
						: (const volatile key_word *)&options.mask6;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++)
		key[i] &= mask[i];
}

static __always_inline bool key_equal(const key_word *a, const key_word *b, const __u32 words)
{
	__u64 difference = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static __always_inline void key_copy(key_word *to, const key_word *from, const __u32 words)
{
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++)
		to[i] = from[i];
}

static __always_inline __u32 key_hash(const key_word *key, const __u32 words)
{
	__u64 hash = options.hash_seed;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++) {
		hash = (hash ^ key[i]) * HASH_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return (hash * HASH_FINISHER) >> 32;
}

#endif
