// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Does nothing: what is left of a run when the program under test costs nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp.frags") int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
