/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a key to a count: per-CPU slot, else flow map, else overflow. Nothing is lost,
 * only its detail. No clock and no atomics on the way of a packet that finds its slot.
 */
#ifndef XTRACE_COUNT_H
#define XTRACE_COUNT_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "options.h"

/* What counting returns where there is no frame_reason to return. */
#define COUNTED (-1)

/* Keys are compared, masked and hashed as words. Inlined and unrolled in full, so that an
 * IPv4 key lives in registers and never in memory: written there field by field and read
 * back as words, it would wait for the stores. */
typedef __u64 __attribute__((may_alias)) key_word;
#define KEY4_WORDS (sizeof(struct flow_key4) / sizeof(key_word))
#define KEY6_WORDS (sizeof(struct flow_key6) / sizeof(key_word))

/* Odd constants of Fibonacci hashing and splitmix64. */
#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL
#define HASH_FINISHER	0xbf58476d1ce4e5b9ULL

static __always_inline void key_mask(key_word *key, const volatile key_word *mask,
				     const __u32 words)
{
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

static __always_inline void count_add(struct flow_count *count, __u64 packets, __u64 bytes)
{
	count->packets += packets;
	count->bytes += bytes;
}

/* What count_overflow() counts under, in one word: the kind, then the reason of a frame without a
 * flow, and from bit 16 on the epoch. */
static __always_inline __u32 overflow_name(__u8 kind, __u8 protocol, __u32 epoch)
{
	bool has_reason = kind == KIND_NON_IP || kind == KIND_MALFORMED;

	return kind | (has_reason ? protocol : 0) << 8 | epoch << 16;
}

/* Where counts go that no flow map takes. name: of overflow_name(). A global function, so that the
 * verifier checks it once, by itself, and not once for every way that leads here; few packets pay
 * the call. */
__noinline int count_overflow(__u32 ifindex, __u32 name, __u64 packets, __u64 bytes)
{
	struct overflow_key key = {
		.ifindex = ifindex,
		.kind = name & 0xff,
		.reason = name >> 8 & 0xff,
		.epoch = name >> 16,
	};
	struct flow_count first = {.packets = packets, .bytes = bytes};
	struct flow_count *count;
	__u32 zero = 0;

	count = bpf_map_lookup_elem(&overflow, &key);
	if (!count) {
		if (!bpf_map_update_elem(&overflow, &key, &first, BPF_NOEXIST))
			return 0;
		/* another CPU was first, or the map is full */
		count = bpf_map_lookup_elem(&overflow, &key);
	}
	if (!count)
		count = bpf_map_lookup_elem(&unattributed, &zero);
	if (count)
		count_add(count, packets, bytes);
	return 0;
}

/* Adds a slot's count to a flow map. Returns 0, or -1 where the map would not take it.
 * Entries are deleted only in the half that no program writes, so an entry found stays.
 */
static __always_inline int fold(void *flows, const void *key, const struct flow_count *count)
{
	struct flow_count *total;

	total = bpf_map_lookup_elem(flows, key);
	if (!total) {
		if (!bpf_map_update_elem(flows, key, count, BPF_NOEXIST))
			return 0;
		/* another CPU was first, or no room */
		total = bpf_map_lookup_elem(flows, key);
		if (!total)
			return -1;
	}
	__sync_fetch_and_add(&total->packets, count->packets);
	__sync_fetch_and_add(&total->bytes, count->bytes);
	return 0;
}

static __always_inline void fold4(struct flow_slot4 *slot, __u32 epoch)
{
	int error;

	error = epoch ? fold(&flows4_1, &slot->key, &slot->count)
		      : fold(&flows4_0, &slot->key, &slot->count);
	if (error)
		count_overflow(slot->key.ifindex,
			       overflow_name(slot->key.kind, slot->key.protocol, epoch),
			       slot->count.packets, slot->count.bytes);
}

static __always_inline void fold6(struct flow_slot6 *slot, __u32 epoch)
{
	int error;

	error = epoch ? fold(&flows6_1, &slot->key, &slot->count)
		      : fold(&flows6_0, &slot->key, &slot->count);
	if (error)
		count_overflow(slot->key.ifindex,
			       overflow_name(slot->key.kind, slot->key.protocol, epoch),
			       slot->count.packets, slot->count.bytes);
}

/* Which half is written: to be read once for a packet, so that all it is counted in is drained
 * together. */
static __always_inline __u32 epoch_now(void)
{
	return control.epoch & 1;
}

/* This CPU's set for a hash, in the half that is written now. */
static __always_inline __u32 set_index(__u32 hash, __u32 epoch)
{
	__u32 row = epoch * options.cpu_count + bpf_get_smp_processor_id();

	return row * options.sets_per_cpu + (hash & (options.sets_per_cpu - 1));
}

/* Counts one packet of an IPv4 flow (or of a kind without flow). The key is masked in
 * place.
 *
 * Inline, though the code then stands in two places: a call and its return cost 8 ns of 32
 * on an AMD CPU that pays for safe returns (SRSO). At 1,024 flows a packet takes 0.50 of
 * the plain hash's time that way, 0.73 by a call. The verifier does not mind: with the key
 * in registers it sees that the ways through the parser have become one. */
static __always_inline void count4(struct flow_key4 *key, __u32 epoch, __u64 bytes)
{
	struct slot_set4 *set;
	struct flow_slot4 *slot;
	__u32 index;

	key_mask((key_word *)key, (const volatile key_word *)&options.mask4, KEY4_WORDS);
	index = set_index(key_hash((key_word *)key, KEY4_WORDS), epoch);
	set = bpf_map_lookup_elem(&slots4, &index);
	if (!set) { /* a CPU beyond those the loader knew */
		count_overflow(key->ifindex, overflow_name(key->kind, key->protocol, epoch), 1,
			       bytes);
		return;
	}
	slot = &set->way[0];
	if (key_equal((key_word *)&slot->key, (key_word *)key, KEY4_WORDS))
		goto found;
	slot = &set->way[1];
	if (key_equal((key_word *)&slot->key, (key_word *)key, KEY4_WORDS))
		goto found;
	/* The smaller resident goes, so that elephants stay; an empty slot is the
	 * smallest. */
	if (set->way[0].count.packets <= set->way[1].count.packets)
		slot = &set->way[0];
	if (slot->count.packets)
		fold4(slot, epoch);
	slot->key = *key;
	slot->count.packets = 1;
	slot->count.bytes = bytes;
	return;
found:
	count_add(&slot->count, 1, bytes);
}

/* The same for IPv6 and RoCE v1. */
static __always_inline void count6(struct flow_key6 *key, __u32 epoch, __u64 bytes)
{
	struct slot_set6 *set;
	struct flow_slot6 *slot;
	__u32 index;

	key_mask((key_word *)key, (const volatile key_word *)&options.mask6, KEY6_WORDS);
	index = set_index(key_hash((key_word *)key, KEY6_WORDS), epoch);
	set = bpf_map_lookup_elem(&slots6, &index);
	if (!set) {
		count_overflow(key->ifindex, overflow_name(key->kind, key->protocol, epoch), 1,
			       bytes);
		return;
	}
	slot = &set->way[0];
	if (key_equal((key_word *)&slot->key, (key_word *)key, KEY6_WORDS))
		goto found;
	slot = &set->way[1];
	if (key_equal((key_word *)&slot->key, (key_word *)key, KEY6_WORDS))
		goto found;
	if (set->way[0].count.packets <= set->way[1].count.packets)
		slot = &set->way[0];
	if (slot->count.packets)
		fold6(slot, epoch);
	slot->key = *key;
	slot->count.packets = 1;
	slot->count.bytes = bytes;
	return;
found:
	count_add(&slot->count, 1, bytes);
}

#endif
