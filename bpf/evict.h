/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a slot to the flow map, and where that would not take it, to what is counted without detail.
 */
#ifndef XTRACE_EVICT_H
#define XTRACE_EVICT_H

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

/* Of each CPU and half. */
static __always_inline __u32 sets_of(const __u32 words)
{
	return words == KEY4_WORDS ? options.sets4 : options.sets6;
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

/* The slot at a place in the set at an index. NULL: cannot be, but the verifier does not know. */
static __always_inline key_word *slot_of(const __u32 words, __u32 index, __u32 place)
{
	key_word *set = set_at(words, index);

	return set ? slot_at(set, words, place & PLACE_WAY) : NULL;
}

/* What the flow map would not take: a slot, or PLACE_STATE; NULL where there is none. */
static __always_inline key_word *refused_slot(const __u32 words, __u32 index, __u32 place)
{
	struct slot_state *state;

	if (!(place & PLACE_STATE))
		return slot_of(words, index, place);
	state = state_of_cpu();
	if (!state)
		return NULL;
	/* Else the compiler adds to the pointer first, which the verifier forbids. */
	asm volatile("" : "+r"(state));
	return (key_word *)state->entry;
}

/* Takes note of the flow of a refused_slot(). A global function apart from count_refused(), as both
 * need stack. */
__noinline int sketch_refused(__u32 index, __u32 place)
{
	key_word *slot;

	if (place & PLACE_IPV6) {
		slot = refused_slot(KEY6_WORDS, index, place);
		if (slot && key_traits(slot, KEY6_WORDS)->kind < KIND_NON_IP)
			sketch_add((const __u32 *)slot, 2 * KEY6_WORDS, epoch_of_place(place));
	} else {
		slot = refused_slot(KEY4_WORDS, index, place);
		if (slot && key_traits(slot, KEY4_WORDS)->kind < KIND_NON_IP)
			sketch_add((const __u32 *)slot, 2 * KEY4_WORDS, epoch_of_place(place));
	}
	return 0;
}

/* Counts a refused_slot() without its detail. A global function, as count_overflow(). */
__noinline int count_refused(__u32 index, __u32 place)
{
	key_word *slot;

	if (place & PLACE_IPV6) {
		slot = refused_slot(KEY6_WORDS, index, place);
		if (slot)
			count_undetailed(slot, KEY6_WORDS, epoch_of_place(place),
					 (__u32)slot[KEY6_WORDS], slot[KEY6_WORDS] >> 32);
	} else {
		slot = refused_slot(KEY4_WORDS, index, place);
		if (slot)
			count_undetailed(slot, KEY4_WORDS, epoch_of_place(place),
					 (__u32)slot[KEY4_WORDS], slot[KEY4_WORDS] >> 32);
	}
	return 0;
}

/* Moves a slot's count to the flow map; the key stays. */
static __always_inline void evict(key_word *slot, const __u32 words, __u32 index, __u32 place)
{
	struct slot_state *state = state_of_cpu();

	if (!slot || !state)
		return;
	state->count.packets = (__u32)slot[words];
	state->count.bytes = slot[words] >> 32;
	if (fold_flow(slot, words, epoch_of_place(place), &state->count)) {
		sketch_refused(index, place & ~PLACE_STATE);
		count_refused(index, place & ~PLACE_STATE);
	}
	slot[words] = 0;
}

/* The same for the slot at a place. A global function: most packets have no need of it, and the
 * programs no stack left for what it needs. */
__noinline int evict_at(__u32 index, __u32 place)
{
	if (place & PLACE_IPV6)
		evict(slot_of(KEY6_WORDS, index, place), KEY6_WORDS, index, place);
	else
		evict(slot_of(KEY4_WORDS, index, place), KEY4_WORDS, index, place);
	return 0;
}

#endif
