/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Places in the per-CPU slot arrays: whose set, which half, which mark. Knows no key and no
 * count.
 */
#ifndef XTRACE_SLOTS_H
#define XTRACE_SLOTS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "options.h"
#include "slot.h"

/* Which slot of a set, for functions that take numbers alone (the verifier looks at those once):
 * its way in the lowest two bits, and what else there is to say of it. */
#define PLACE_WAY     3
#define PLACE_IPV6    4
#define PLACE_EPOCH   8	 /* the second half */
#define PLACE_STATE   16 /* no slot, but the entry in the state of this CPU */
#define PLACE_STRAYED 32 /* RoCE: the packet has another source port than its slot */

static __always_inline __u32 slot_place(const bool is_ipv6, __u32 way, __u32 epoch)
{
	return way | (is_ipv6 ? PLACE_IPV6 : 0) | (epoch ? PLACE_EPOCH : 0);
}

static __always_inline __u32 epoch_of_place(__u32 place)
{
	return place & PLACE_EPOCH ? 1 : 0;
}

/* Which half is written: to be read once for a packet, so that all it is counted in is drained
 * together. */
static __always_inline __u32 epoch_now(void)
{
	return control.epoch & 1;
}

/* A CPU's set for a hash, in one half of an array of so many sets for each CPU and half. mask: of
 * those that are in use, which are the first ones; sets - 1 for all. */
static __always_inline __u32 set_index(__u32 hash, __u32 epoch, __u32 cpu, __u32 sets, __u32 mask)
{
	__u32 row = epoch * options.cpu_count + cpu;

	return row * sets + (hash & mask);
}

/* Has the drain look at the block of a set; for whoever puts something into an empty slot. Of an
 * array, first_mark and block_shift are those in options. The store is left out where the mark is
 * set: neighbours on its line belong to other CPUs. */
static __always_inline void mark_block(__u32 first_mark, __u32 block_shift, __u32 index)
{
	__u32 mark = first_mark + (index >> block_shift);
	__u32 line = mark / MARK_LINE_BYTES;
	struct mark_line *found;
	__u8 *byte;

	found = bpf_map_lookup_elem(&slot_marks, &line);
	if (!found)
		return;
	byte = &found->marks[mark % MARK_LINE_BYTES];
	if (!*byte)
		*byte = 1;
}

#endif
