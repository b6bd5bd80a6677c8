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
#include "overflow.h"
#include "slot.h"
#include "slots.h"

/* What counting returns where there is no frame_reason to return. */
#define COUNTED (-1)

/* Adds a count to a flow map. Returns 0, or -1 where the map would not take it.
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

/* Adds to the flow map of an epoch, as fold(). */
static __always_inline int fold_flow(const void *key, const __u32 words, __u32 epoch,
				     const struct flow_count *count)
{
	if (words == KEY4_WORDS)
		return epoch ? fold(&flows4_1, key, count) : fold(&flows4_0, key, count);
	return epoch ? fold(&flows6_1, key, count) : fold(&flows6_0, key, count);
}

/* Either IP version's slot: a key, then packets and bytes in one word. */
_Static_assert(__builtin_offsetof(struct flow_slot4, packets) == sizeof(struct flow_key4) &&
		       __builtin_offsetof(struct flow_slot6, packets) == sizeof(struct flow_key6),
	       "the count behind the key");

/* A slot of a set. */
static __always_inline key_word *slot_at(key_word *set, const __u32 words, __u32 way)
{
	return set + way * (words == KEY4_WORDS ? sizeof(struct flow_slot4) / sizeof(key_word)
						: sizeof(struct flow_slot6) / sizeof(key_word));
}

static __always_inline key_word *set_at(const __u32 words, __u32 index)
{
	return words == KEY4_WORDS ? bpf_map_lookup_elem(&slots4, &index)
				   : bpf_map_lookup_elem(&slots6, &index);
}

/* One packet, as a slot counts it. */
static __always_inline __u64 packet_word(__u64 bytes)
{
	return bytes << 32 | 1;
}

static __always_inline struct slot_state *state_of_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&slot_states, &cpu);
}

static __always_inline void count_undetailed(key_word *key, const __u32 words, __u32 epoch,
					     __u64 packets, __u64 bytes)
{
	const struct flow_traits *traits = key_traits(key, words);

	count_overflow(traits->ifindex, traits->kind | traits->protocol << 8, epoch, packets,
		       bytes);
}

/* Bit 0 the epoch, bits 1 and 2 the way, bit 3 set for IPv6. */
static __always_inline __u32 slot_place(const __u32 words, __u32 way, __u32 epoch)
{
	return epoch | way << 1 | (words == KEY6_WORDS) << 3;
}

/* The slot at slot_place(); NULL where there is none. */
static __always_inline key_word *slot_in(const __u32 words, __u32 index, __u32 place)
{
	key_word *set = set_at(words, index);

	return set ? slot_at(set, words, place >> 1 & (SLOT_WAYS - 1)) : NULL;
}

/* Takes note of a slot's flow, which the flow map would not take. A global function apart from
 * count_refused(), as both need stack. */
__noinline int sketch_refused(__u32 index, __u32 place)
{
	key_word *slot;

	if (place & 8) {
		slot = slot_in(KEY6_WORDS, index, place);
		if (slot && key_traits(slot, KEY6_WORDS)->kind < KIND_NON_IP)
			sketch_add((const __u32 *)slot, 2 * KEY6_WORDS, place & 1);
	} else {
		slot = slot_in(KEY4_WORDS, index, place);
		if (slot && key_traits(slot, KEY4_WORDS)->kind < KIND_NON_IP)
			sketch_add((const __u32 *)slot, 2 * KEY4_WORDS, place & 1);
	}
	return 0;
}

/* Counts what a slot has, which the flow map would not take, without its detail. A global function,
 * as count_overflow(). place: of slot_place(). */
__noinline int count_refused(__u32 index, __u32 place)
{
	key_word *slot;

	if (place & 8) {
		slot = slot_in(KEY6_WORDS, index, place);
		if (slot)
			count_undetailed(slot, KEY6_WORDS, place & 1, (__u32)slot[KEY6_WORDS],
					 slot[KEY6_WORDS] >> 32);
	} else {
		slot = slot_in(KEY4_WORDS, index, place);
		if (slot)
			count_undetailed(slot, KEY4_WORDS, place & 1, (__u32)slot[KEY4_WORDS],
					 slot[KEY4_WORDS] >> 32);
	}
	return 0;
}

/* Moves a slot's count to the flow map; the key stays. */
static __always_inline void evict(key_word *set, const __u32 words, __u32 index, __u32 way,
				  __u32 epoch)
{
	struct slot_state *state = state_of_cpu();
	key_word *slot = slot_at(set, words, way);

	if (!state)
		return;
	state->count.packets = (__u32)slot[words];
	state->count.bytes = slot[words] >> 32;
	if (fold_flow(slot, words, epoch, &state->count)) {
		sketch_refused(index, slot_place(words, way, epoch));
		count_refused(index, slot_place(words, way, epoch));
	}
	slot[words] = 0;
}

/* The same for slot_place(). A global function: most packets have no need of it, and the programs
 * no stack left for what it needs. */
__noinline int evict_at(__u32 index, __u32 place)
{
	__u32 way = place >> 1 & (SLOT_WAYS - 1), epoch = place & 1;
	key_word *set;

	if (place & 8) {
		set = set_at(KEY6_WORDS, index);
		if (set)
			evict(set, KEY6_WORDS, index, way, epoch);
	} else {
		set = set_at(KEY4_WORDS, index);
		if (set)
			evict(set, KEY4_WORDS, index, way, epoch);
	}
	return 0;
}

/* Slots pay where a flow that takes one has more packets before it goes again. Where most have not,
 * newcomers to full sets are counted in the flow map at once, and what has a slot keeps it; but
 * one of NEWCOMERS_PER_TAKE takes one nevertheless, so that a flow of many packets gets in and we
 * notice when slots pay again. */
#define LONE_MAX	   96
#define LONE_SCARCE	   64
#define LONE_RELIEF	   4
#define NEWCOMERS_PER_TAKE 8

static __always_inline bool goes_past(struct slot_state *state)
{
	return ++state->newcomers % NEWCOMERS_PER_TAKE && state->lone >= LONE_SCARCE;
}

static __always_inline void note_victim(struct slot_state *state, __u32 packets)
{
	if (packets == 1)
		state->lone += state->lone < LONE_MAX;
	else
		state->lone -= state->lone > LONE_RELIEF ? LONE_RELIEF : state->lone;
}

/* Packets of the smallest resident of a set, above bit 2, and its way. Of equals, the one that is
 * nearest to the slot that a hash names. Without a branch: which it is cannot be foreseen. */
static __always_inline __u64 smallest(key_word *set, const __u32 words, __u32 first)
{
	__u64 least = ~0ULL >> 1;

#pragma clang loop unroll(full)
	for (__u32 way = 0; way < SLOT_WAYS; way++) {
		__u64 packets = *(__u32 *)&slot_at(set, words, way)[words];
		__u64 other = packets << 2 | (way ^ first), keep;

		keep = (__u64)((__s64)(other - least) >> 63);
		least ^= (least ^ other) & keep;
	}
	return least ^ first;
}

/* Counts the packet of a flow that has no slot. */
static __always_inline void count_newcomer(key_word *set, key_word *key, const __u32 words,
					   __u32 index, __u32 first, __u32 epoch, __u64 packet)
{
	struct slot_state *state = state_of_cpu();
	__u64 least = smallest(set, words, first);
	__u32 victim = least & (SLOT_WAYS - 1);
	key_word *slot = slot_at(set, words, victim);

	least >>= 2;
	if (!least) {
		if (words == KEY4_WORDS)
			mark_block(options.first_mark4, options.block_shift4, index);
		else
			mark_block(options.first_mark6, options.block_shift6, index);
	} else if (state) {
		if (goes_past(state)) {
			key_copy((key_word *)state->key, key, words);
			state->count.packets = 1;
			state->count.bytes = packet >> 32;
			if (!fold_flow(state->key, words, epoch, &state->count)) {
				state->passed++;
				return;
			}
			/* What the map refuses is told from a slot, and the slot is wanted. */
			state->lone = 0;
		}
		note_victim(state, least);
		evict_at(index, slot_place(words, victim, epoch));
	}
	key_copy(slot, key, words);
	slot[words] = packet;
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
	__u64 packet = packet_word(bytes), sum;
	__u32 index, hash, first, way;
	key_word *set, *slot;

	key_mask(key, words);
	hash = key_hash(key, words);
	index = set_index(hash, epoch, words == KEY4_WORDS ? options.sets4 : options.sets6);
	set = set_at(words, index);
	if (!set) { /* a CPU beyond those the loader knew */
		count_undetailed(key, words, epoch, 1, bytes);
		return;
	}
	first = hash >> 30 & (SLOT_WAYS - 1);
#pragma clang loop unroll(full)
	for (__u32 step = 0; step < SLOT_WAYS; step++) {
		way = first ^ step;
		slot = slot_at(set, words, way);
		if (key_equal(slot, key, words))
			goto found;
	}
	count_newcomer(set, key, words, index, first, epoch, packet);
	return;
found:
	sum = slot[words] + packet;
	if (__builtin_expect(sum < packet, 0)) {
		evict_at(index, slot_place(words, way, epoch));
		sum = packet;
	}
	slot[words] = sum;
}

#endif
