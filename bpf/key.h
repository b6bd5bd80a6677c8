/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What of a packet goes into its key: all that was found, where its kind is wanted; else the
 * kind alone. No maps.
 */
#ifndef XTRACE_KEY_H
#define XTRACE_KEY_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "options.h"
#include "parse.h"

static __always_inline bool kind_wanted(__u8 kind, const __u32 framing)
{
	return options.kinds_wanted[framing] >> (kind & 31) & 1;
}

/* KIND_ROCE_V2, KIND_ROCE_V2_UDP, KIND_ROCE_V1. */
static __always_inline bool is_roce(__u8 kind)
{
	return (__u8)(kind - KIND_ROCE_V2) <= KIND_ROCE_V1 - KIND_ROCE_V2;
}

/* What was found besides the addresses; of either family's key. */
#define FILL_KEY(key, link, found)                                                                 \
	do {                                                                                       \
		(key)->src_port = (found)->src_port;                                               \
		(key)->dst_port = (found)->dst_port;                                               \
		(key)->protocol = (found)->protocol;                                               \
		(key)->vlan = (link)->vlan;                                                        \
		(key)->qp = (found)->qp;                                                           \
	} while (0)

/* What a key has in any case. */
#define NAME_KEY(key, ctx, found)                                                                  \
	do {                                                                                       \
		(key)->ifindex = (ctx)->ingress_ifindex;                                           \
		(key)->kind = (found)->kind;                                                       \
	} while (0)

#endif
