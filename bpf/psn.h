/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The order of packet sequence numbers in one stream. Pure: state and packet in, state and
 * verdict out; no maps.
 *
 * What it can know (IBTA vol. 1, 9.7.1; checked against soft-RoCE with dropped packets): a
 * packet that is not the next one either jumped ahead (a gap: packets lost, or still on
 * their way) or fell back (a rewind: sent again, or late). So a late packet looks like a gap
 * and a rewind, and one lost at the end of what is sent is not missed by anyone here. PSNs
 * that were left out count once: what lies above the highest one, and, while a sender goes
 * through packets again, what is missing among these.
 */
#ifndef XTRACE_PSN_H
#define XTRACE_PSN_H

#include <stdbool.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define PSN_MASK 0xffffffU
#define PSN_HALF 0x800000U
/* A jump further than this, either way, is a queue pair used anew: more packets than a
 * sender has under way, and 2^7 times less than the whole ring. */
#define PSN_WINDOW 0x20000U

/* State of a stream, in one word so that it is replaced at once. */
#define PSN_HIGHEST_SHIFT 24
#define PSN_OPEN_SHIFT	  48
#define PSN_REFRESH_SHIFT 49
#define PSN_REFRESH_MASK  0x7fffU

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
	__u8 pad;
};

/* refresh: the clock, 15 bits of it. */
static __always_inline __u64 psn_begin(__u32 psn, __u32 rule, __u32 refresh)
{
	return ((psn + 1) & PSN_MASK) | (__u64)psn << PSN_HIGHEST_SHIFT |
	       (__u64)(rule == PSN_OPENS) << PSN_OPEN_SHIFT |
	       (__u64)(refresh & PSN_REFRESH_MASK) << PSN_REFRESH_SHIFT;
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

	if (psn_idle(state, refresh) > idle_max)
		return psn_begin(psn, rule, refresh);
	if (ahead < PSN_HALF) {
		if (ahead && !open && rule != PSN_BEGINS) {
			if (ahead > PSN_WINDOW)
				goto resync;
			verdict->gap_packets = seen ? ahead : (psn - highest - 1) & PSN_MASK;
		}
	} else {
		if (behind > PSN_WINDOW)
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
	return psn_begin(psn, rule, refresh);
}

#endif
