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
#include "evict.h"
#include "key.h"
#include "maps.h"
#include "options.h"
#include "overflow.h"
#include "slot.h"
#include "slots.h"
#include "thrift.h"

/* What counting returns where there is no frame_reason to return. */
#define COUNTED (-1)

/* Counts a packet in the flow map at once. */
static __always_inline void count_past(struct slot_state *state, const key_word *key,
				       const __u32 words, __u32 epoch, __u64 packet)
{
	key_copy((key_word *)state->entry, key, words);
	state->count.packets = 1;
	state->count.bytes = packet >> 32;
	state->passed++;
	if (!fold_flow(state->entry, words, epoch, &state->count))
		return;
	/* a full map: slots are all there is */
	state->trial = 0;
	state->lone = 0;
	state->entry[words] = packet;
	sketch_refused(0, slot_place(words == KEY6_WORDS, 0, epoch) | PLACE_STATE);
	count_refused(0, slot_place(words == KEY6_WORDS, 0, epoch) | PLACE_STATE);
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

/* What an empty slot that is taken asks for. A global function: a flow comes here once an epoch. */
__noinline int open_slot(__u32 index, __u32 is_ipv6)
{
	struct slot_state *state = state_of_cpu();

	if (!state)
		return 0;
	if (is_ipv6) {
		mark_block(options.first_mark6, options.block_shift6, index);
		fit_sets(state, 1, options.sets6);
	} else {
		mark_block(options.first_mark4, options.block_shift4, index);
		fit_sets(state, 0, options.sets4);
	}
	return 0;
}

/* Finds a slot for a flow that has none, and moves out who is in it. Returns NULL where the flow is
 * to go past. The smallest resident goes, so that elephants stay; an empty slot is the smallest. */
static __always_inline key_word *take_slot(struct slot_state *state, key_word *set,
					   const __u32 words, __u32 index, __u32 first, __u32 epoch)
{
	__u64 least = smallest(set, words, first);
	__u32 victim = least & (SLOT_WAYS - 1);

	least >>= 2;
	if (least) {
		if (goes_past(state))
			return NULL;
		note_victim(state, least);
		evict_at(index, slot_place(words == KEY6_WORDS, victim, epoch));
	} else {
		open_slot(index, words == KEY6_WORDS);
	}
	return slot_at(set, words, victim);
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
	__u32 cpu = bpf_get_smp_processor_id(), index, hash, first, way;
	__u64 packet = packet_word(bytes), sum;
	struct slot_state *state;
	key_word *set, *slot;

	key_mask(key, words);
	state = bpf_map_lookup_elem(&slot_states, &cpu);
	if (!state) { /* a CPU beyond those the loader knew */
		count_undetailed(key, words, epoch, 1, bytes);
		return;
	}
	if (__builtin_expect(state->trial, 0) && skips_slots(state, words == KEY6_WORDS))
		goto past;
	hash = key_hash(key, words);
	index = set_index(hash, epoch, cpu, sets_of(words), state->mask[words == KEY6_WORDS]);
	set = set_at(words, index);
	if (!set)
		goto past;
	first = hash >> 30 & (SLOT_WAYS - 1);
#pragma clang loop unroll(full)
	for (__u32 step = 0; step < SLOT_WAYS; step++) {
		way = first ^ step;
		slot = slot_at(set, words, way);
		if (key_equal(slot, key, words))
			goto found;
	}
	slot = take_slot(state, set, words, index, first, epoch);
	if (!slot)
		goto past;
	key_copy(slot, key, words);
	slot[words] = packet;
	return;
found:
	sum = slot[words] + packet;
	if (__builtin_expect(sum < packet, 0)) {
		evict_at(index, slot_place(words == KEY6_WORDS, way, epoch));
		sum = packet;
	}
	slot[words] = sum;
	return;
past:
	count_past(state, key, words, epoch, packet);
}

#endif
