/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * How a stream's bytes spread over UDP source ports: at a fixed price, however many it has.
 */
#ifndef XTRACE_SPREAD_H
#define XTRACE_SPREAD_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "streams.h"

/* A stream's first strayed packet: zeros, in a map because they do not fit on the stack. */
const volatile struct port_spread spread_nothing;

static __always_inline struct port_spread *spread_in(void *spreads, const void *key)
{
	struct port_spread *spread = bpf_map_lookup_elem(spreads, key);

	if (!spread) {
		bpf_map_update_elem(spreads, key, (void *)&spread_nothing, BPF_NOEXIST);
		spread = bpf_map_lookup_elem(spreads, key);
	}
	return spread;
}

/* Adds a strayed packet. key: a struct roce_key, of which PORT_SPREAD_KEY_BYTES are looked at. */
static __always_inline void spread_add(const void *key, __u32 port, __u32 epoch, __u64 bytes)
{
	struct port_spread *spread;

	spread = epoch ? spread_in(&roce_ports_1, key) : spread_in(&roce_ports_0, key);
	if (!spread)
		return;
	asm volatile("" : "+r"(port));
	__sync_fetch_and_add(&spread->bytes[port & (PORT_BUCKETS - 1)], bytes);
}

/* Notes the source port of a stream's packet, ROCE_PORT_KNOWN with it: the first one in its count,
 * others beside it. */
static __always_inline void count_port(const struct roce_key *key, struct roce_count *count,
				       __u32 port, __u32 epoch, __u32 bytes)
{
	__u64 first = *(volatile __u64 *)&count->cells[ROCE_PORT];

	if (!first)
		first = __sync_val_compare_and_swap(&count->cells[ROCE_PORT], 0, port);
	if (!first || first == port)
		return;
	cell_add(count, ROCE_STRAYED_BYTES, bytes);
	if (key->transport == ROCE_CNP)
		return; /* says nothing of how traffic spreads */
	spread_add(key, port, epoch, bytes);
}

#endif
