/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * How long a frame is, over all its buffers. No maps.
 */
#ifndef XTRACE_LENGTH_H
#define XTRACE_LENGTH_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* The kernel's own view of a frame (include/net/xdp.h), the one field we read. */
struct xdp_buff {
	__u32 flags;
} __attribute__((preserve_access_index));

/* include/net/xdp.h */
enum xdp_buff_flags {
	XDP_FLAGS_HAS_FRAGS = 1,
};

/* kernel/bpf/verifier.c; there since the kfunc is (6.2). Its value does not matter. */
enum special_kfunc_type {
	KF_bpf_cast_to_kern_ctx = 1,
};

/* Becomes a register move: no call. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* What bpf_xdp_get_buff_len() returns, without the call where the frame has but one
 * buffer and the kernel lets us look. */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	if (bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_cast_to_kern_ctx)) {
		struct xdp_buff *frame = bpf_cast_to_kern_ctx(ctx);

		if (!(frame->flags & XDP_FLAGS_HAS_FRAGS))
			return ctx->data_end - ctx->data;
	}
	return bpf_xdp_get_buff_len(ctx);
}

#endif
