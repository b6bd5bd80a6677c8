/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What user space decides before load (read-only data) and while programs run (.bss). No
 * logic.
 */
#ifndef XTRACE_OPTIONS_H
#define XTRACE_OPTIONS_H

#include "abi.h"

#define ADDRESS4_MASK                                                                              \
	{                                                                                          \
		255, 255, 255, 255                                                                 \
	}
#define ADDRESS6_MASK                                                                              \
	{                                                                                          \
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255     \
	}
#define TRAITS_MASK                                                                                \
	{                                                                                          \
		0xffff, 0xffff, ~0U, 255, 255, 0xffff, ~0U                                         \
	}

/* The defaults make the object work as it is: every kind wanted, nothing masked, one
 * CPU's worth of slots. The loader overwrites them. */
const volatile struct options options = {
	.abi_version = ABI_VERSION,
	.cpu_count = 1,
	.sets4 = 1,
	.sets6 = 1,
	.roce_sets4 = 1,
	.roce_sets6 = 1,
	.kinds_wanted = {~0U, ~0U, ~0U},
	.roce = 1,
	.psn_idle_max = 12,
	.psn_sets = 1,
	.mask4 = {ADDRESS4_MASK, ADDRESS4_MASK, TRAITS_MASK},
	.mask6 = {ADDRESS6_MASK, ADDRESS6_MASK, TRAITS_MASK},
};

/* Empty by default, as nothing is folded. 8 KiB that are read only where options.fold_ports is set.
 */
const volatile __u32 ephemeral_ports[PORT_WORDS] = {};

/* volatile: user space stores to it while we run; each program reads it once. */
volatile struct control control;

#endif
