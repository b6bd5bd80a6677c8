/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Where the states of streams of PSNs are, and who may change one. Counts nothing, knows no packet.
 *
 * A packet that its stream expects takes one compare and swap (order_expected()). Any other one
 * locks the state, so that its window is changed by one program at a time.
 */
#ifndef XTRACE_ORDER_STATE_H
#define XTRACE_ORDER_STATE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "key.h"
#include "maps.h"
#include "options.h"
#include "psn.h"

/* Looks at a lock before a program gives up: some microseconds, where a lock is held for some 100
 * ns. Beyond that its holder's CPU was taken away by a hypervisor. */
#define PSN_SPINS 2048

/* A key's two addresses for psn_stream(). */
static __always_inline __u64 addresses_hash(const key_word *words)
{
	__u64 hash = options.hash_seed;

#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++) {
		hash = (hash ^ words[i]) * HASH_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return hash;
}

/* Both addresses of a key of IPv4. */
static __always_inline __u64 ipv4_addresses(const struct roce_key *key)
{
	const __u32 *words = (const __u32 *)key;

	return words[3] | (__u64)words[7] << 32;
}

/* 64 bits for a stream of PSNs, never 0. addresses: of IPv4 both, of IPv6 their hash. */
static __always_inline __u64 psn_stream(__u64 addresses, __u32 ifindex, __u32 qp, __u32 direction)
{
	__u64 hash = (addresses ^ (__u64)options.hash_seed << 16 ^ direction) * HASH_MULTIPLIER;

	hash ^= hash >> 32;
	hash = (hash ^ (ifindex | (__u64)qp << 32)) * HASH_MULTIPLIER;
	hash ^= hash >> 32;
	return hash * HASH_FINISHER | 1;
}

static __always_inline __u32 psn_index(__u64 stream)
{
	return (stream >> 32) & (options.psn_sets - 1);
}

/* Whether the stream expected this PSN; then it expects the next one. element: of roce_windows.
 *
 * A stream with holes goes this way, too, unless the PSN that leaves the window is one: after a
 * loss that would else be the slow way for a whole window. Its bit is looked at without the lock.
 * Who changed it meanwhile has changed the state, and the swap fails. */
static __always_inline bool order_expected(__u64 stream, __u32 psn)
{
	__u32 index = psn_index(stream), refresh = control.refresh, element = index * PSN_WAYS;
	__u64 before, *state = NULL;
	struct psn_window *window;
	struct psn_set *set;

	set = bpf_map_lookup_elem(&roce_psn, &index);
	if (!set)
		return false;
#pragma clang loop unroll(full)
	for (__u32 way = 0; way < PSN_WAYS; way++)
		if (set->stream[way] == stream) {
			state = &set->state[way];
			element += way;
			goto found;
		}
	return false;
found:
	before = *(volatile __u64 *)state;
	if ((before & ~PSN_HOLES) != psn_expecting(psn, refresh))
		return false;
	if (__builtin_expect(!!(before & PSN_HOLES), 0)) {
		__u64 none = before;

		/* An address that depends on the state: a CPU that orders loads by that alone
		 * (arm64) must not have looked at the bit before. */
		asm volatile("%0 &= 0" : "+r"(none));
		element += none;
		window = bpf_map_lookup_elem(&roce_windows, &element);
		if (!window || *psn_word(window, psn) >> (psn & 63) & 1)
			return false;
	}
	return __sync_val_compare_and_swap(state, before,
					   psn_begin(psn, PSN_FOLLOWS, refresh) |
						   (before & PSN_HOLES)) == before;
}

/* Locks the state of a stream; who does has its window to itself. Returns 1, or 0 where another CPU
 * kept it locked for too long. element: of roce_windows. A global function: the verifier goes
 * through its loop once. */
__noinline int lock_stream(__u32 element)
{
	__u32 index = element / PSN_WAYS;
	struct psn_set *set = bpf_map_lookup_elem(&roce_psn, &index);
	__u64 *state, before;

	if (!set)
		return 0;
	state = &set->state[element & (PSN_WAYS - 1)];
	for (int i = 0; i < PSN_SPINS; i++) {
		before = *(volatile __u64 *)state;
		if (before & PSN_LOCK)
			continue;
		if (__sync_val_compare_and_swap(state, before, before | PSN_LOCK) == before)
			return 1;
	}
	return 0;
}

/* Of a state that is locked. */
static __always_inline __u64 psn_locked(const __u64 *state)
{
	return *(volatile const __u64 *)state & ~PSN_LOCK;
}

static __always_inline void psn_unlock(__u64 *state, __u64 after)
{
	__sync_lock_test_and_set(state,
				 after); /* an exchange: what was written is seen before it */
}

/* PSN_WAYS where the stream has no place. */
static __always_inline __u32 psn_way(const struct psn_set *set, __u64 stream)
{
	__u32 found = PSN_WAYS;

#pragma clang loop unroll(full)
	for (__u32 way = 0; way < PSN_WAYS; way++)
		if (found == PSN_WAYS && *(volatile const __u64 *)&set->stream[way] == stream)
			found = way;
	return found;
}

/* A free place, or that of the stream that was silent longest. */
static __always_inline __u32 psn_oldest_way(const struct psn_set *set, __u32 refresh)
{
	__u32 oldest = 0, most_idle = 0;

#pragma clang loop unroll(full)
	for (__u32 way = 0; way < PSN_WAYS; way++) {
		__u32 idle = set->stream[way] ? psn_idle(set->state[way], refresh) + 1 : ~0U;

		if (idle > most_idle) {
			most_idle = idle;
			oldest = way;
		}
	}
	return oldest;
}

#endif
