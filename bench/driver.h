/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What the runner tells the driver program. Nothing of the exporter is in here.
 */
#ifndef XTRACE_BENCH_DRIVER_H
#define XTRACE_BENCH_DRIVER_H

#include <linux/types.h>

#define PROGRAMS_MAX 8
#define FLOWS_MAX    65536

struct driver_state {
	__u32 program;	      /* index in `programs` */
	__u32 flows;	      /* a power of two */
	__u32 burst;	      /* packets of one flow in a row, a power of two */
	__u32 first_address;  /* of flow 0; host order */
	__u32 address_offset; /* where in the frame 4 bytes of source address are */
	__u32 port_offset;    /* where the source port is */
	__u32 qp_offset;      /* where the last 2 bytes of a queue pair are; 0: there is none */
	__u32 psn_offset;     /* where the word is whose low 24 bits are a PSN; 0: there is none */
	__u32 random;	      /* not 0 */
	__u32 packets;	      /* seen so far */
};

#endif
