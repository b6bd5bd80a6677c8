/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * A parser's place in a frame. Pure. Every parser checks bounds before it reads and moves on.
 */
#ifndef XTRACE_CURSOR_H
#define XTRACE_CURSOR_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* A parser's place in the first buffer of a frame. */
struct cursor {
	void *pos;
	void *end;
};

/* The frame's first byte, where it is used for offsets too: else the compiler may copy the pointer
 * as the 32-bit number that the field is, which it is not for the verifier. */
static __always_inline void *frame_start(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	asm volatile("" : "+r"(data));
	return data;
}

static __always_inline __u32 offset_of(struct xdp_md *ctx, const struct cursor *cursor)
{
	__u64 offset = cursor->pos - frame_start(ctx);

	/* Else the compiler adds to the pointer first, in 32 bits, which the verifier forbids. */
	asm volatile("" : "+r"(offset));
	return offset;
}

/* No header lies deeper: Ethernet with two tags, IPv6, eight extensions of at most 2,048
 * bytes. As a mask it also bounds the offset for the verifier. */
#define HEADER_OFFSET_MASK 0x7fff

#endif
