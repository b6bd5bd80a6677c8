/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The part of abi.h that is about slots, by its rules: what lies in the slot arrays, their marks,
 * and how they fare.
 */
#ifndef XTRACE_SLOT_H
#define XTRACE_SLOT_H

#include <linux/types.h>
#include "abi.h"

/* One per-CPU slot: a flow that this CPU has seen in this epoch. Empty, and zero, when packets is
 * 0. Programs add to packets and bytes at once, as one word of 64 bits; what would wrap is folded
 * into the flow map first. A frame has a byte at least, so packets never wrap before bytes do. */
struct flow_slot4 {
	struct flow_key4 key;
	__u32 packets;
	__u32 bytes;
};
_Static_assert(sizeof(struct flow_slot4) == 32, "flow_slot4");

struct flow_slot6 {
	struct flow_key6 key;
	__u32 packets;
	__u32 bytes;
	__u8 pad[8]; /* one slot, one cache line */
};
_Static_assert(sizeof(struct flow_slot6) == 64, "flow_slot6");

/* Slots come in sets, an element of the slot array each; a flow may be in any slot of its set. Its
 * hash names the one where it is looked for first. */
#define SLOT_WAYS 4

struct slot_set4 {
	struct flow_slot4 way[SLOT_WAYS];
};
_Static_assert(sizeof(struct slot_set4) == 128, "slot_set4");

struct slot_set6 {
	struct flow_slot6 way[SLOT_WAYS];
};
_Static_assert(sizeof(struct slot_set6) == 256, "slot_set6");

/* Marks of 64 blocks of sets, a byte each: 1 where a slot of the block may be in use. Bytes, as
 * user space clears some of a line while programs set others. */
#define MARK_LINE_BYTES 64

struct mark_line {
	__u8 marks[MARK_LINE_BYTES];
};
_Static_assert(sizeof(struct mark_line) == 64, "mark_line");

/* How one CPU's slots fare, and memory of that CPU for what a program hands to a flow map: there is
 * no room on the stack. Of its first line a packet that finds its slot has trial and mask read.
 * Pairs are by IP version, IPv4 first. */
struct slot_state {
	__u32 trial;	  /* packets left of a trial of the flow map alone; 0: none is under way */
	__u32 mask[2];	  /* sets in use - 1: few while flows are few, so that they lie together */
	__u32 taken[2];	  /* empty slots taken in this epoch, and since there are so many sets */
	__u32 refresh[2]; /* the epoch that taken is of, by control.refresh */
	__u32 newcomers;  /* flows that came to a set without an empty slot, in this period */
	__u32 lone;	  /* rises with victims of few packets, falls with those of more */
	__u8 pad[4];
	__u64 passed;		 /* packets that went past the slots, since load */
	struct flow_count count; /* on its way to a flow map */
	__u64 entry[8];		 /* a packet that goes past: key and count, as in a slot */
};
_Static_assert(sizeof(struct slot_state) == 128, "slot_state");

#endif
