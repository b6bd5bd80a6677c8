/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Counts that no flow map takes: what is left of their names, and how many flows they were.
 */
#ifndef XTRACE_OVERFLOW_H
#define XTRACE_OVERFLOW_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "options.h"

static __always_inline void count_add(struct flow_count *count, __u64 packets, __u64 bytes)
{
	count->packets += packets;
	count->bytes += bytes;
}

/* Where counts go that no flow map takes. A global function, so that the verifier checks it once,
 * by itself, and not once for every way that leads here; few packets pay the call. Five arguments
 * are all that a call can have, so kind (low byte) and protocol share one. */
__noinline int count_overflow(__u32 ifindex, __u32 label, __u32 epoch, __u64 packets, __u64 bytes)
{
	__u8 kind = label;
	struct overflow_key key = {
		.ifindex = ifindex,
		.kind = kind,
		.reason = kind == KIND_NON_IP || kind == KIND_MALFORMED ? label >> 8 : 0,
		.epoch = epoch,
	};
	struct flow_count first = {.packets = packets, .bytes = bytes};
	struct flow_count *count;
	__u32 zero = 0;

	count = bpf_map_lookup_elem(&overflow, &key);
	if (!count) {
		if (!bpf_map_update_elem(&overflow, &key, &first, BPF_NOEXIST))
			return 0;
		/* another CPU was first, or the map is full */
		count = bpf_map_lookup_elem(&overflow, &key);
	}
	if (!count)
		count = bpf_map_lookup_elem(&unattributed, &zero);
	if (count)
		count_add(count, packets, bytes);
	return 0;
}

/* Adds a flow that has no place in the flow map to what was seen: HyperLogLog, of which user space
 * knows how many such flows there were. src/abi/flow-sketch.ts has the same hash and the same
 * ranks. Two CPUs may store to one register at once; then one of two ranks is lost. */
static __always_inline void sketch_add(const __u32 *key, const __u32 words, __u32 epoch)
{
	struct flow_sketch *sketch;
	__u32 hash = options.hash_seed, zeros = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < words; i++) {
		hash = (hash ^ key[i]) * 0x85ebca6b;
		hash ^= hash >> 15;
	}
	hash *= 0xc2b2ae35;
	hash ^= hash >> 16;
	sketch = bpf_map_lookup_elem(&refused, &epoch);
	if (!sketch)
		return;
	__u32 index = hash >> (32 - SKETCH_BITS), rest = hash << SKETCH_BITS;

	if (!rest) {
		zeros = 32 - SKETCH_BITS;
	} else {
#pragma clang loop unroll(full)
		for (__u32 step = 16; step; step >>= 1)
			if (!(rest >> (32 - step))) {
				zeros += step;
				rest <<= step;
			}
	}
	if (zeros >= sketch->ranks[index])
		sketch->ranks[index] = zeros + 1;
}

#endif
