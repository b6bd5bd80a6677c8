/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What is counted of the order of PSNs, over all CPUs. psn.h judges. Knows no packet.
 */
#ifndef XTRACE_ORDER_H
#define XTRACE_ORDER_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "key.h"
#include "maps.h"
#include "options.h"
#include "order-state.h"
#include "psn.h"
#include "streams.h"

/* A stream's place may be taken or found between a look and a lock. */
#define PSN_TRIES 2

/* Counts holes of a window under the stream it began with. element: of roce_windows; cell: below
 * 256, and above it the epoch. A global function, as the next one: the verifier looks at each once.
 */
__noinline int count_holes(__u32 element, __u32 cell_epoch, __u32 holes)
{
	struct psn_window *window = bpf_map_lookup_elem(&roce_windows, &element);
	__u32 epoch = cell_epoch >> 8 & 1;
	struct roce_count *count;

	if (!window || !holes)
		return 0;
	count = stream_count_in(&window->key, epoch);
	if (!count)
		return count_roce_overflow(window->key.ifindex, ROCE_UNBOOKED, epoch, holes, 0);
	if ((cell_epoch & 0xff) == ROCE_PSN_LOST)
		cell_add(count, ROCE_PSN_LOST, holes);
	else
		cell_add(count, ROCE_PSN_UNJUDGED, holes);
	return 0;
}

/* psn_move() for the window of an element of roce_windows. by_gap: by, and in bit 31 whether there
 * is a gap. A global function: in count_order() an older verifier (6.1) follows the loop once for
 * each way to it, and gives up.
 */
__noinline int move_window(__u32 element, __u32 psn, __u32 by_gap)
{
	struct psn_window *window = bpf_map_lookup_elem(&roce_windows, &element);

	if (!window)
		return 0;
	return psn_move(window, psn & PSN_MASK, by_gap & PSN_MASK, by_gap >> 31);
}

/* What a judgement found, beside struct psn_verdict. */
struct psn_found {
	__u32 lost;
	__u8 late;
	__u8 duplicate;
	__u8 unjudged;
	__u8 pad;
};

static __always_inline void count_verdict(const struct roce_work *work,
					  const struct psn_verdict *verdict,
					  const struct psn_found *found)
{
	struct roce_count *count;

	if (!(verdict->gap_packets | verdict->rewind | verdict->retransmitted | verdict->resync |
	      found->lost | found->late | found->duplicate | found->unjudged))
		return;
	count = stream_count_in(&work->key, work->epoch & 1);
	if (!count) {
		count_roce_overflow(work->key.ifindex, ROCE_UNBOOKED, work->epoch & 1, 1, 0);
		return;
	}
	if (verdict->gap_packets) {
		cell_add(count, ROCE_PSN_GAPS, 1);
		cell_add(count, ROCE_PSN_GAP_PACKETS, verdict->gap_packets);
	}
	if (verdict->rewind)
		cell_add(count, ROCE_PSN_REWINDS, 1);
	if (verdict->retransmitted)
		cell_add(count, ROCE_PSN_RETRANSMITTED, 1);
	if (verdict->resync)
		cell_add(count, ROCE_PSN_RESYNCS, 1);
	if (found->lost)
		cell_add(count, ROCE_PSN_LOST, found->lost);
	if (found->late)
		cell_add(count, ROCE_PSN_LATE, 1);
	if (found->duplicate)
		cell_add(count, ROCE_PSN_DUPLICATES, 1);
	if (found->unjudged)
		cell_add(count, ROCE_PSN_UNJUDGED, 1);
}

/* How many of the holes that are lost were packets that nobody could judge: they came. */
static __always_inline __u32 excuse(struct psn_window *window, __u32 lost)
{
	__u32 excused = window->unjudged < lost ? window->unjudged : lost;

	if (excused)
		__sync_fetch_and_add(&window->unjudged, -excused);
	return excused;
}

/* The state after a packet of a stream that is locked. */
static __always_inline __u64 psn_judge(const struct roce_work *work, struct psn_window *window,
				       __u32 element, __u64 before, __u32 refresh,
				       struct psn_verdict *verdict, struct psn_found *found)
{
	__u32 psn = work->psn & PSN_MASK, highest = psn_highest(before);
	__u32 by = (psn - highest) & PSN_MASK;
	__u64 after;

	before &= ~(PSN_HOLES | PSN_LOCK);
	if (work->direction == PSN_ACKED) {
		/* an older one says nothing, unless the queue pair is used anew */
		bool begins = ((highest - psn) & PSN_MASK) > PSN_JUMP_MAX ||
			      psn_idle(before, refresh) > options.psn_idle_max;

		return by < PSN_HALF || begins ? psn_begin(psn, PSN_FOLLOWS, refresh) : before;
	}
	after = psn_advance(before, psn, work->rule, refresh, options.psn_idle_max, verdict);
	if (verdict->begun) {
		found->lost = psn_forget(window);
		found->lost -= excuse(window, found->lost);
		window->unjudged = 0; /* what is left excuses nothing of the new order */
	} else if (by &&
		   by <= PSN_HALF) { /* not at or below the highest, as psn_advance() has it */
		if (window->holes || verdict->gap_packets)
			found->lost = move_window(element, psn, by | !!verdict->gap_packets << 31);
		found->lost -= excuse(window, found->lost);
	} else if (psn_fill(window, psn, highest)) {
		found->late = 1;
		if (work->rule == PSN_OPENS)
			psn_fill_answer(window, psn);
	} else {
		found->duplicate = 1;
	}
	return window->holes ? after | PSN_HOLES : after;
}

/* Judges the order of the packet in roce_work, and counts what there is to say. */
__noinline int count_order(void)
{
	__u32 zero = 0, refresh = control.refresh, index, way, element, lost;
	struct psn_verdict verdict = {};
	struct psn_found found = {};
	struct psn_window *window;
	struct roce_work *work;
	struct psn_set *set;
	__u64 before;

	work = bpf_map_lookup_elem(&roce_work, &zero);
	if (!work)
		return 0;
	index = psn_index(work->stream);
	set = bpf_map_lookup_elem(&roce_psn, &index);
	if (!set)
		return 0;
	for (int try = 0; try < PSN_TRIES; try++) {
		bool known;

		way = psn_way(set, work->stream);
		known = way < PSN_WAYS;
		if (!known)
			way = psn_oldest_way(set, refresh);
		way &= PSN_WAYS - 1;
		element = index * PSN_WAYS + way;
		window = bpf_map_lookup_elem(&roce_windows, &element);
		if (!window)
			return 0;
		if (!lock_stream(element)) {
			if (known && work->direction != PSN_ACKED)
				__sync_fetch_and_add(&window->unjudged, 1);
			break;
		}
		before = psn_locked(&set->state[way]);
		if (known != (psn_way(set, work->stream) == way) ||
		    (!known && psn_way(set, work->stream) < PSN_WAYS)) {
			psn_unlock(&set->state[way], before); /* another CPU was here */
			continue;
		}
		if (known) {
			before =
				psn_judge(work, window, element, before, refresh, &verdict, &found);
			psn_unlock(&set->state[way], before);
			count_verdict(work, &verdict, &found);
			return 0;
		}
		/* Who is displaced while it has packets loses its place in the order. */
		lost = psn_forget(window);
		if (set->stream[way] && window->direction != PSN_ACKED &&
		    psn_idle(before, refresh) <= 1)
			lost++;
		count_holes(element, ROCE_PSN_UNJUDGED | (work->epoch & 1) << 8, lost);
		window->unjudged = 0;
		window->key = work->key;
		window->direction = work->direction;
		*(volatile __u64 *)&set->stream[way] = work->stream;
		psn_unlock(&set->state[way], psn_begin(work->psn & PSN_MASK, work->rule, refresh));
		return 0;
	}
	found.unjudged = work->direction != PSN_ACKED;
	count_verdict(work, &verdict, &found);
	return 0;
}

#endif
