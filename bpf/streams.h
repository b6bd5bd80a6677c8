/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Counts of RoCE streams: their map, and what to do when it is full. Knows no packet.
 */
#ifndef XTRACE_STREAMS_H
#define XTRACE_STREAMS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"

/* A new stream's counts: zeros, in a map because they do not fit on the stack. */
const volatile struct roce_count roce_nothing;

/* Adds to a cell that the compiler knows. */
#define cell_add(count, cell, value) __sync_fetch_and_add(&(count)->cells[cell], (value))

/* Adds to one of the cells below ROCE_INDEXED_CELLS: what the compiler knows of the index the
 * verifier does not, hence the mask. */
static __always_inline void cell_add_at(struct roce_count *count, __u32 cell, __u64 value)
{
	asm volatile("" : "+r"(cell));
	__sync_fetch_and_add(&count->cells[cell & (ROCE_INDEXED_CELLS - 1)], value);
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

/* The same of either half. */
static __always_inline struct roce_count *stream_count_in(const struct roce_key *key, __u32 epoch)
{
	return epoch ? stream_count(key, &roce_1) : stream_count(key, &roce_0);
}

/* Adds to what found no place in a ROCE_MAP. version: as roce_overflow_key has it. A global
 * function: few packets come to it, and it needs stack of its own. */
__noinline int count_roce_overflow(__u32 ifindex, __u32 version, __u32 epoch, __u64 packets,
				   __u64 bytes)
{
	struct roce_overflow_key where = {
		.ifindex = ifindex,
		.version = version,
		.epoch = epoch,
	};
	struct flow_count first = {.packets = packets, .bytes = bytes};
	struct flow_count *total;
	__u32 zero = 0;

	total = bpf_map_lookup_elem(&roce_overflow, &where);
	if (!total) {
		if (!bpf_map_update_elem(&roce_overflow, &where, &first, BPF_NOEXIST))
			return 0;
		total = bpf_map_lookup_elem(&roce_overflow, &where);
	}
	if (!total && version != ROCE_UNBOOKED)
		total = bpf_map_lookup_elem(&unattributed, &zero);
	if (total) {
		__sync_fetch_and_add(&total->packets, packets);
		__sync_fetch_and_add(&total->bytes, bytes);
	}
	return 0;
}

/* Adds one packet to its stream; NULL where the map would not take it. */
static __always_inline struct roce_count *count_stream(const struct roce_key *key, __u32 epoch,
						       __u32 bytes)
{
	struct roce_count *count = stream_count_in(key, epoch);

	if (!count) {
		count_roce_overflow(key->ifindex,
				    key->transport == ROCE_MALFORMED ? 0 : key->version, epoch, 1,
				    bytes);
		return NULL;
	}
	cell_add(count, ROCE_PACKETS, 1);
	cell_add(count, ROCE_BYTES, bytes);
	return count;
}

#endif
