// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes many flows out of the one packet of a program run: writes a source address and
 * port, of RoCE a queue pair and a PSN too, then tail-calls the program under test. Its own cost is
 * in every measurement and is taken off with that of driver + empty. One CPU only: its state is a
 * plain global.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "driver.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Key: a place in the runner's list of programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, PROGRAMS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

struct driver_state driver;

/* The next PSN of each flow, by program: in order, as nearly all of them come. */
__u32 psns[PROGRAMS_MAX * FLOWS_MAX];

#define PSN_MASK 0xffffff

/* No header that we write to lies deeper; as a mask it bounds the offset for the
 * verifier. */
#define OFFSET_MASK 0x7f

SEC("xdp.frags") int drive(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	__be32 *address = data + (driver.address_offset & OFFSET_MASK);
	__be16 *port = data + (driver.port_offset & OFFSET_MASK);
	__be16 *qp = data + (driver.qp_offset & OFFSET_MASK);
	__be32 *psn = data + (driver.psn_offset & OFFSET_MASK);
	__u32 flow;

	if ((void *)(address + 1) > data_end || (void *)(port + 1) > data_end ||
	    (void *)(qp + 1) > data_end || (void *)(psn + 1) > data_end)
		return XDP_ABORTED;

	/* xorshift32 (Marsaglia, 2003): a new flow after every run of `burst` packets */
	if ((driver.packets++ & (driver.burst - 1)) == 0) {
		driver.random ^= driver.random << 13;
		driver.random ^= driver.random >> 17;
		driver.random ^= driver.random << 5;
	}
	flow = driver.random & (driver.flows - 1);
	*address = bpf_htonl(driver.first_address + flow);
	*port = bpf_htons(flow * 40503); /* odd, so a port each for the first 65,536 */
	if (driver.qp_offset)
		*qp = bpf_htons(flow);
	if (driver.psn_offset)
		*psn = bpf_htonl(psns[((driver.program & (PROGRAMS_MAX - 1)) * FLOWS_MAX) |
				      (flow & (FLOWS_MAX - 1))]++ &
				 PSN_MASK);
	bpf_tail_call(ctx, &programs, driver.program);
	return XDP_ABORTED;
}
