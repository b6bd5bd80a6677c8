/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The order of packet sequence numbers in one stream. Pure: state and packet in, state and
 * verdict out; no maps.
 *
 * What one word can know (IBTA vol. 1, 9.7.1; checked against soft-RoCE with dropped packets): a
 * packet that is not the next one either jumped ahead (a gap: packets lost, or still on
 * their way) or fell back (a rewind: sent again, or late). So a late packet looks like a gap
 * and a rewind, and one lost at the end of what is sent is not missed by anyone here. PSNs
 * that were left out count once: what lies above the highest one, and, while a sender goes
 * through packets again, what is missing among these.
 *
 * What the window knows beside it: which PSNs below the highest are missing, so that late is told
 * from lost. A stream in order has no holes and does not touch its window.
 */
#ifndef XTRACE_PSN_H
#define XTRACE_PSN_H

#include <stdbool.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define PSN_MASK 0xffffffU
#define PSN_HALF 0x800000U
/* A jump further than this, either way, is a queue pair used anew: more packets than a
 * sender has under way, and 2^7 times less than the whole ring. */
#define PSN_JUMP_MAX 0x20000U

/* State of a stream, in one word so that it is replaced at once. */
#define PSN_HIGHEST_SHIFT 24
#define PSN_OPEN_SHIFT	  48
#define PSN_HOLES	  (1ULL << 49) /* the window has some */
#define PSN_LOCK	  (1ULL << 50) /* a program has the window in hand */
#define PSN_REFRESH_SHIFT 51
#define PSN_REFRESH_MASK  0x1fffU

enum psn_rule {
	PSN_FOLLOWS = 0, /* must be the next one */
	PSN_BEGINS = 1,	 /* a read response's first: may leave out what other answers used */
	PSN_OPENS = 2,	 /* a read request: uses as many as its answer has packets */
};

struct psn_verdict {
	__u32 gap_packets; /* 0: no gap */
	__u8 rewind;
	__u8 retransmitted; /* at or below the highest seen */
	__u8 resync;
	__u8 begun; /* anew: what came before says nothing */
};

/* refresh: the clock, 13 bits of it. */
static __always_inline __u64 psn_begin(__u32 psn, __u32 rule, __u32 refresh)
{
	return ((psn + 1) & PSN_MASK) | (__u64)psn << PSN_HIGHEST_SHIFT |
	       (__u64)(rule == PSN_OPENS) << PSN_OPEN_SHIFT |
	       (__u64)(refresh & PSN_REFRESH_MASK) << PSN_REFRESH_SHIFT;
}

/* The state in which a stream is for which this packet is the next one, without holes, and not the
 * first one since a flip. */
static __always_inline __u64 psn_expecting(__u32 psn, __u32 refresh)
{
	return psn_begin((psn - 1) & PSN_MASK, PSN_FOLLOWS, refresh);
}

/* Refreshes since the stream's last packet. */
static __always_inline __u32 psn_idle(__u64 state, __u32 refresh)
{
	return (refresh - (__u32)(state >> PSN_REFRESH_SHIFT)) & PSN_REFRESH_MASK;
}

/* idle_max: refreshes without a packet after which a stream begins anew. */
static __always_inline __u64 psn_advance(__u64 state, __u32 psn, __u32 rule, __u32 refresh,
					 __u32 idle_max, struct psn_verdict *verdict)
{
	__u32 next = state & PSN_MASK;
	__u32 highest = state >> PSN_HIGHEST_SHIFT & PSN_MASK;
	bool open = state >> PSN_OPEN_SHIFT & 1;
	__u32 ahead = (psn - next) & PSN_MASK;
	__u32 behind = (next - psn) & PSN_MASK;
	bool seen = ((highest - psn) & PSN_MASK) < PSN_HALF; /* at or below the highest */

	if (psn_idle(state, refresh) > idle_max) {
		verdict->begun = 1;
		return psn_begin(psn, rule, refresh);
	}
	if (ahead < PSN_HALF) {
		if (ahead && !open && rule != PSN_BEGINS) {
			if (ahead > PSN_JUMP_MAX)
				goto resync;
			verdict->gap_packets = seen ? ahead : (psn - highest - 1) & PSN_MASK;
		}
	} else {
		if (behind > PSN_JUMP_MAX)
			goto resync;
		verdict->rewind = 1;
	}
	if (seen) {
		verdict->retransmitted = 1;
		state = psn_begin(psn, rule, refresh) & ~((__u64)PSN_MASK << PSN_HIGHEST_SHIFT);
		return state | (__u64)highest << PSN_HIGHEST_SHIFT;
	}
	return psn_begin(psn, rule, refresh);
resync:
	verdict->resync = 1;
	verdict->begun = 1;
	return psn_begin(psn, rule, refresh);
}

static __always_inline __u32 psn_highest(__u64 state)
{
	return state >> PSN_HIGHEST_SHIFT & PSN_MASK;
}

/* BPF has no instruction for it. */
static __always_inline __u32 bits_set(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

static __always_inline __u64 *psn_word(struct psn_window *window, __u32 psn)
{
	__u32 word = (psn & (PSN_WINDOW - 1)) / 64;

	/* What the compiler knows of the index the verifier does not. */
	asm volatile("" : "+r"(word));
	return &window->missing[word & (PSN_WINDOW / 64 - 1)];
}

/* Forgets all holes; returns how many there were. */
static __always_inline __u32 psn_forget(struct psn_window *window)
{
	__u32 holes = window->holes;

	if (holes) {
		window->holes = 0;
		__builtin_memset(window->missing, 0, sizeof(window->missing));
	}
	return holes;
}

/* Moves the window up by `by` PSNs, from 1, to psn. gap: those between are missing. Returns how
 * many holes it has left behind, among them those of a jump that is longer than itself. Without a
 * gap and without holes there is nothing to do.
 */
static __always_inline __u32 psn_move(struct psn_window *window, __u32 psn, __u32 by, bool gap)
{
	__u32 at = psn - by + 1, left = by, lost = 0, words = 0;

	if (by > PSN_WINDOW) {
		if (gap) /* below the window already */
			lost = by - PSN_WINDOW;
		at = psn - PSN_WINDOW + 1;
		left = PSN_WINDOW;
	}
	/* At most the words of the window, and its first one again. The test stands at the end: of
	 * a `for` clang makes a loop whose body falls into its head, and kernels of 2022 (6.1) take
	 * a loop only where a jump closes it ("back-edge").
	 */
	do {
		__u64 *word = psn_word(window, at), mask;
		__u32 bits = 64 - (at & 63), old;

		if (bits > left)
			bits = left;
		mask = ~0ULL >> (64 - bits) << (at & 63);
		old = bits_set(*word & mask);
		lost += old;
		window->holes -= old;
		if (gap) {
			*word |= mask;
			window->holes += bits;
		} else {
			*word &= ~mask;
		}
		at += bits;
		left -= bits;
	} while (left && ++words <= PSN_WINDOW / 64);
	if (gap) {
		*psn_word(window, psn) &= ~(1ULL << (psn & 63));
		window->holes--;
	}
	return lost;
}

/* Whether a packet that is not above the highest PSN was missing; then it is not any more. */
static __always_inline bool psn_fill(struct psn_window *window, __u32 psn, __u32 highest)
{
	__u64 *word = psn_word(window, psn), bit = 1ULL << (psn & 63);

	if (((highest - psn) & PSN_MASK) >= PSN_WINDOW || !(*word & bit))
		return false;
	*word &= ~bit;
	window->holes--;
	return true;
}

/* A late read request uses as many PSNs as its answer has packets: the holes behind it are none.
 * The bit of the highest PSN is never set, so they end there at the latest. */
static __always_inline void psn_fill_answer(struct psn_window *window, __u32 psn)
{
	__u64 bit = 1ULL << (++psn & 63);

	for (int i = 0; i <= PSN_WINDOW / 64; i++) {
		__u64 *word = psn_word(window, psn);
		/* an addition carries through the bits that are set one after the other */
		__u64 carried = *word + bit, run = *word & ~carried;

		*word &= ~run;
		window->holes -= bits_set(run);
		if (carried >= bit)
			return;
		bit = 1;
		psn = (psn | 63) + 1;
	}
}

#endif
