// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The packet path, top to bottom: frame -> key -> count. One program per framing, each
 * twice: xdp.frags for multi-buffer frames (kernel 5.18 and later), and a plain twin for
 * kernels and drivers that refuse it. Every program returns XDP_PASS, whatever it saw.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "count.h"
#include "cursor.h"
#include "key.h"
#include "length.h"
#include "link.h"
#include "packet.h"
#include "sweep.h"

char LICENSE[] SEC("license") = "GPL";

/* A frame without a flow: one key per interface, kind and reason. */
static __always_inline void count_unparsed(struct xdp_md *ctx, __u32 reason, __u64 bytes,
					   __u64 linear_bytes)
{
	struct flow_key4 key = {
		.traits.ifindex = ctx->ingress_ifindex,
		.traits.kind = reason < REASON_LINK_TRUNCATED ? KIND_NON_IP : KIND_MALFORMED,
	};

	/* Of a frame in several buffers we see the first; do not blame the sender. */
	if (key.traits.kind == KIND_MALFORMED && bytes > linear_bytes)
		reason = REASON_NOT_LINEAR;
	key.traits.protocol = reason;
	count_key((key_word *)&key, KEY4_WORDS, epoch_now(), bytes);
}

static __always_inline int count_frame(struct xdp_md *ctx, const __u32 framing, __u64 bytes)
{
	struct cursor cursor = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u64 linear_bytes = cursor.end - cursor.pos;
	struct link link = {};
	int reason;

	parse_link(&cursor, framing, &link);
	reason = link.reason;
	if (!reason)
		reason = count_network(ctx, &cursor, &link, framing, bytes);
	if (reason != COUNTED)
		count_unparsed(ctx, reason, bytes, linear_bytes);
	return XDP_PASS;
}

/* A plain program sees whole frames in one buffer: the kernel gives it no others. */
#define PROGRAMS(name, framing)                                                                    \
	SEC("xdp.frags") int count_##name##_frags(struct xdp_md *ctx)                              \
	{                                                                                          \
		return count_frame(ctx, framing, frame_length(ctx));                               \
	}                                                                                          \
	SEC("xdp") int count_##name(struct xdp_md *ctx)                                            \
	{                                                                                          \
		return count_frame(ctx, framing, ctx->data_end - ctx->data);                       \
	}

PROGRAMS(ethernet, FRAMING_ETHERNET)
PROGRAMS(infiniband, FRAMING_INFINIBAND)
PROGRAMS(l3, FRAMING_L3)

/* Not for packets: user space runs it on a made frame that begins with a __u32, the place of a
 * stream in roce_windows, whose holes it has seen to be old. Here, as a program alone can take a
 * lock. */
SEC("xdp") int sweep_stream(struct xdp_md *ctx)
{
	__u32 *element = (void *)(long)ctx->data;

	if ((void *)(element + 1) <= (void *)(long)ctx->data_end)
		forget_silent(*element);
	return XDP_PASS;
}
