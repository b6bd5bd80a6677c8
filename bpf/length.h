/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * How long a frame is, over all its buffers. No maps.
 *
 * bpf_xdp_get_buff_len() is a call, and where returns are guarded (Safe RET, retpolines) a call
 * costs 7 ns: a third of our program at 1,024 flows. Nearly every frame has one buffer, and the
 * kernel's own view of it says so in a flag. To read that flag a kernel must have
 * bpf_cast_to_kern_ctx() (6.2), its BTF, and trust; so the object is built twice, and the loader
 * falls back to the one built with PORTABLE, which calls.
 */
#ifndef XTRACE_LENGTH_H
#define XTRACE_LENGTH_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#ifndef PORTABLE
/* The one field that we read (include/net/xdp.h). */
struct xdp_buff {
	__u32 flags;
} __attribute__((preserve_access_index));

/* include/net/xdp.h; the value is the running kernel's, by relocation. */
enum xdp_buff_flags {
	XDP_FLAGS_HAS_FRAGS = 1,
};

/* Becomes a register move: no call. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

static __always_inline bool has_one_buffer(struct xdp_md *ctx)
{
	struct xdp_buff *frame = bpf_cast_to_kern_ctx(ctx);

	return !(frame->flags & bpf_core_enum_value(enum xdp_buff_flags, XDP_FLAGS_HAS_FRAGS));
}

static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	return has_one_buffer(ctx) ? ctx->data_end - ctx->data : bpf_xdp_get_buff_len(ctx);
}
#else
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}
#endif

#endif
