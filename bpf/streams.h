/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Counts of RoCE streams, and the order of their PSNs: the maps, and what to do when one is
 * full. Knows no packet.
 */
#ifndef XTRACE_STREAMS_H
#define XTRACE_STREAMS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "key.h"
#include "maps.h"
#include "options.h"
#include "psn.h"

/* A new stream's counts: zeros, in a map because they do not fit on the stack. */
const volatile struct roce_count roce_nothing;

static __always_inline void cell_add(struct roce_count *count, __u32 cell, __u64 value)
{
	/* What the compiler knows of the index the verifier does not: keep the mask. */
	if (!__builtin_constant_p(cell))
		asm volatile("" : "+r"(cell));
	__sync_fetch_and_add(&count->cells[cell & (ROCE_CELLS - 1)], value);
}

/* The counts of a stream in the half that is written now; NULL where the map is full. */
static __always_inline struct roce_count *stream_count(const struct roce_key *key, void *streams)
{
	struct roce_count *count = bpf_map_lookup_elem(streams, key);

	if (!count) {
		bpf_map_update_elem(streams, key, (void *)&roce_nothing, BPF_NOEXIST);
		count = bpf_map_lookup_elem(streams, key);
	}
	return count;
}

static __always_inline void count_roce_overflow(const struct roce_key *key, __u32 epoch,
						__u64 bytes)
{
	struct roce_overflow_key where = {
		.ifindex = key->ifindex,
		.version = key->transport == ROCE_MALFORMED ? 0 : key->version,
		.epoch = epoch,
	};
	struct flow_count first = {.packets = 1, .bytes = bytes};
	struct flow_count *total;

	total = bpf_map_lookup_elem(&roce_overflow, &where);
	if (!total) {
		if (!bpf_map_update_elem(&roce_overflow, &where, &first, BPF_NOEXIST))
			return;
		total = bpf_map_lookup_elem(&roce_overflow, &where);
	}
	if (total) {
		total->packets++;
		total->bytes += bytes;
	}
}

/* 64 bits for a stream of PSNs, never 0. */
static __always_inline __u64 psn_stream(const struct roce_key *key)
{
	/* addresses, then interface and queue pair */
	const key_word *words = (const key_word *)key;
	__u64 hash = options.hash_seed | (__u64)key->detail << 32;

#pragma clang loop unroll(full)
	for (int i = 0; i < 5; i++) {
		hash = (hash ^ words[i]) * HASH_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return hash * HASH_FINISHER | 1;
}

/* Two CPUs that bring two new streams to one place at the same time may mix them up once; a
 * stream has one source port and so one receive queue, so this is as rare as it looks. */
static __always_inline void count_psn(const struct roce_key *key, struct roce_count *count,
				      __u32 psn, __u32 rule)
{
	__u64 stream = psn_stream(key), before, after;
	__u32 index = (stream >> 32) & (options.psn_sets - 1);
	__u32 refresh = control.refresh;
	struct psn_verdict verdict = {};
	__u32 oldest = 0, most_idle = 0;
	struct psn_set *set;
	__u64 *state;

	set = bpf_map_lookup_elem(&roce_psn, &index);
	if (!set)
		return;
#pragma clang loop unroll(full)
	for (__u32 way = 0; way < PSN_WAYS; way++) {
		__u32 idle = set->stream[way] ? psn_idle(set->state[way], refresh) + 1 : ~0U;

		if (set->stream[way] == stream) {
			state = &set->state[way];
			goto found;
		}
		if (idle > most_idle) {
			most_idle = idle;
			oldest = way;
		}
	}
	oldest &= PSN_WAYS - 1;
	set->stream[oldest] = stream;
	set->state[oldest] = psn_begin(psn, rule, refresh);
	return;
found:
	before = *(volatile __u64 *)state;
	after = psn_advance(before, psn, rule, refresh, options.psn_idle_max, &verdict);
	if (__sync_val_compare_and_swap(state, before, after) != before) {
		/* another CPU had a packet of this stream at the same time; once more */
		__builtin_memset(&verdict, 0, sizeof(verdict));
		before = *(volatile __u64 *)state;
		after = psn_advance(before, psn, rule, refresh, options.psn_idle_max, &verdict);
		if (__sync_val_compare_and_swap(state, before, after) != before)
			return;
	}
	if (verdict.gap_packets) {
		cell_add(count, ROCE_PSN_GAPS, 1);
		cell_add(count, ROCE_PSN_GAP_PACKETS, verdict.gap_packets);
	}
	if (verdict.rewind)
		cell_add(count, ROCE_PSN_REWINDS, 1);
	if (verdict.retransmitted)
		cell_add(count, ROCE_PSN_RETRANSMITTED, 1);
	if (verdict.resync)
		cell_add(count, ROCE_PSN_RESYNCS, 1);
}

#endif
