/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The end of streams that fell silent: what is missing of them is lost.
 */
#ifndef XTRACE_SWEEP_H
#define XTRACE_SWEEP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "options.h"
#include "order.h"
#include "order-state.h"
#include "psn.h"

/* Of a stream that was silent for so many refreshes, what is missing will not come any more. */
#define PSN_SWEEP_IDLE 2

/* Counts a silent stream's holes as lost. element: of roce_windows. */
static __always_inline void forget_silent(__u32 element)
{
	__u32 index = element / PSN_WAYS, way = element & (PSN_WAYS - 1), lost = 0;
	struct psn_window *window;
	struct psn_set *set;
	__u64 before;

	set = bpf_map_lookup_elem(&roce_psn, &index);
	window = bpf_map_lookup_elem(&roce_windows, &element);
	if (!set || !window || !lock_stream(element))
		return;
	before = psn_locked(&set->state[way]);
	if (psn_idle(before, control.refresh) >= PSN_SWEEP_IDLE) {
		lost = psn_forget(window);
		lost -= excuse(window, lost);
		before &= ~PSN_HOLES;
		/* before others may have the window: it says whose holes they are */
		count_holes(element, ROCE_PSN_LOST | (control.epoch & 1) << 8, lost);
	}
	psn_unlock(&set->state[way], before);
}

#endif
