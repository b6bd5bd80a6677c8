/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a key to a count: per-CPU slot, else flow map, else overflow. Nothing is lost,
 * only its detail. No clock and no atomics on the way of a packet that finds its slot.
 */
#ifndef XTRACE_COUNT_H
#define XTRACE_COUNT_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "key.h"
#include "maps.h"
#include "options.h"

/* What counting returns where there is no frame_reason to return. */
#define COUNTED (-1)

static __always_inline void count_add(struct flow_count *count, __u64 packets, __u64 bytes)
{
	count->packets += packets;
	count->bytes += bytes;
}

/* Where counts go that no flow map takes. A global function, so that the verifier checks it once,
 * by itself, and not once for every way that leads here; few packets pay the call. Five arguments
 * are all that a call can have, so kind (low byte) and protocol share one. */
__noinline int count_overflow(__u32 ifindex, __u32 label, __u32 epoch, __u64 packets, __u64 bytes)
{
	__u8 kind = label;
	struct overflow_key key = {
		.ifindex = ifindex,
		.kind = kind,
		.reason = kind == KIND_NON_IP || kind == KIND_MALFORMED ? label >> 8 : 0,
		.epoch = epoch,
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

/* Either IP version's slot: a key, then its count. */
#define SLOT_WORDS (sizeof(struct flow_slot4) / sizeof(key_word))
_Static_assert(sizeof(struct flow_slot4) == sizeof(struct flow_slot6), "slots of one size");
_Static_assert(__builtin_offsetof(struct flow_slot4, count) == sizeof(struct flow_key4) &&
		       __builtin_offsetof(struct flow_slot6, count) == sizeof(struct flow_key6),
	       "the count behind the key");
_Static_assert(SLOT_WAYS == 2, "count_key() looks at two");

static __always_inline struct flow_count *slot_count(key_word *slot, const __u32 words)
{
	return (void *)(slot + words);
}

static __always_inline void count_undetailed(key_word *key, const __u32 words, __u32 epoch,
					     __u64 packets, __u64 bytes)
{
	const struct flow_traits *traits = key_traits(key, words);

	count_overflow(traits->ifindex, traits->kind | traits->protocol << 8, epoch, packets,
		       bytes);
}

/* Adds a flow that has no place in the flow map to what was seen: HyperLogLog, of which user space
 * knows how many such flows there were. src/abi/flow-sketch.ts has the same hash and the same
 * ranks. Two CPUs may store to one register at once; then one of two ranks is lost. */
static __always_inline void sketch_add(const __u32 *key, const __u32 words, __u32 epoch)
{
	struct flow_sketch *sketch;
	__u32 hash = options.hash_seed, zeros = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++) {
		hash = (hash ^ key[i]) * 0x85ebca6b;
		hash ^= hash >> 15;
	}
	hash *= 0xc2b2ae35;
	hash ^= hash >> 16;
	sketch = bpf_map_lookup_elem(&refused, &epoch);
	if (!sketch)
		return;
	__u32 index = hash >> (32 - SKETCH_BITS), rest = hash << SKETCH_BITS;

	if (!rest) {
		zeros = 32 - SKETCH_BITS;
	} else {
#pragma clang loop unroll(full)
		for (__u32 step = 16; step; step >>= 1)
			if (!(rest >> (32 - step))) {
				zeros += step;
				rest <<= step;
			}
	}
	if (zeros >= sketch->ranks[index])
		sketch->ranks[index] = zeros + 1;
}

/* Counts what a slot has, which the flow map would not take, without its detail. A global function,
 * as count_overflow(). place: bit 0 the epoch, bit 1 the way, bit 2 set for IPv6. */
__noinline int count_refused(__u32 index, __u32 place)
{
	__u32 epoch = place & 1, way = place >> 1 & 1;
	const struct flow_traits *traits;
	const struct flow_count *count;

	if (place & 4) {
		struct slot_set6 *set = bpf_map_lookup_elem(&slots6, &index);

		if (!set)
			return 0;
		traits = &set->way[way].key.traits;
		if (traits->kind < KIND_NON_IP)
			sketch_add((const __u32 *)&set->way[way].key, 2 * KEY6_WORDS, epoch);
		count = &set->way[way].count;
	} else {
		struct slot_set4 *set = bpf_map_lookup_elem(&slots4, &index);

		if (!set)
			return 0;
		traits = &set->way[way].key.traits;
		if (traits->kind < KIND_NON_IP)
			sketch_add((const __u32 *)&set->way[way].key, 2 * KEY4_WORDS, epoch);
		count = &set->way[way].count;
	}
	return count_overflow(traits->ifindex, traits->kind | traits->protocol << 8, epoch,
			      count->packets, count->bytes);
}

/* Moves a slot's count to the flow map. index: of its set; way: of the two. */
static __always_inline void evict(key_word *slot, const __u32 words, __u32 index, __u32 way,
				  __u32 epoch)
{
	const struct flow_count *count = slot_count(slot, words);
	int error;

	if (words == KEY4_WORDS)
		error = epoch ? fold(&flows4_1, slot, count) : fold(&flows4_0, slot, count);
	else
		error = epoch ? fold(&flows6_1, slot, count) : fold(&flows6_0, slot, count);
	if (error)
		count_refused(index, epoch | way << 1 | (words == KEY6_WORDS) << 2);
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

/* Counts one packet of a flow, or of a kind without flow. words: KEY4_WORDS, or KEY6_WORDS for IPv6
 * and RoCE v1. The key is masked in place.
 *
 * Inline, though the code then stands in several places: a call and its return cost 8 ns of 32
 * on an AMD CPU that pays for safe returns (SRSO). At 1,024 flows a packet takes 0.50 of
 * the plain hash's time that way, 0.73 by a call. The verifier does not mind: with the key
 * in registers it sees that the ways through the parser have become one. */
static __always_inline void count_key(key_word *key, const __u32 words, __u32 epoch, __u64 bytes)
{
	struct flow_count *count;
	key_word *slots, *slot;
	__u32 index;

	key_mask(key, words);
	index = set_index(key_hash(key, words), epoch);
	slots = words == KEY4_WORDS ? bpf_map_lookup_elem(&slots4, &index)
				    : bpf_map_lookup_elem(&slots6, &index);
	if (!slots) { /* a CPU beyond those the loader knew */
		count_undetailed(key, words, epoch, 1, bytes);
		return;
	}
	slot = slots;
	if (key_equal(slot, key, words))
		goto found;
	slot = slots + SLOT_WORDS;
	if (key_equal(slot, key, words))
		goto found;
	/* The smaller resident goes, so that elephants stay; an empty slot is the
	 * smallest. */
	if (slot_count(slots, words)->packets <= slot_count(slot, words)->packets)
		slot = slots;
	count = slot_count(slot, words);
	if (count->packets)
		evict(slot, words, index, slot != slots, epoch);
	key_copy(slot, key, words);
	count->packets = 1;
	count->bytes = bytes;
	return;
found:
	count_add(slot_count(slot, words), 1, bytes);
}

#endif
