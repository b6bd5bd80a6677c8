/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * When a CPU's slots pay, and how many of them to use. Counts nothing: decides, by what it keeps in
 * struct slot_state. Only skips_slots() is on the way of a packet that finds its slot.
 */
#ifndef XTRACE_THRIFT_H
#define XTRACE_THRIFT_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "options.h"
#include "slot.h"

/* Slots pay where a flow that takes one has more packets before it goes again. A period is
 * PERIOD newcomers to full sets; the first TAKES of them take slots in any case, so that flows
 * of many packets get in, and their victims tell whether slots pay. Where they do not:
 *
 * - the period's other newcomers are counted in the flow map at once, and what has a slot keeps it;
 * - a trial begins. For TRIAL_LOOKS packets we see how many find no slot. Are they too many, the
 *   TRIAL_SKIPS packets after that go to the flow map without a look at the slots.
 *
 * Too many is an eighth where the sets in use are few: the flow map is then in the CPU's caches,
 * and dearer than a slot by less than the 20 ns that a wrong guess of the CPU costs. Else it is
 * three quarters. */
#define PERIOD	    4096
#define TAKES	    512
#define TRIAL_LOOKS 1024
#define TRIAL_SKIPS 16384
#define SETS_FEW    8192 /* 1 MiB of IPv4 slots; half as many of IPv6 */
#define LONE_MAX    512
#define LONE_SCARCE 256
#define LONE_RELIEF 2
#define PACKETS_FEW 2

static __always_inline void note_victim(struct slot_state *state, __u32 packets)
{
	if (packets <= PACKETS_FEW)
		state->lone += state->lone < LONE_MAX;
	else
		state->lone -= state->lone > LONE_RELIEF ? LONE_RELIEF : state->lone;
}

/* Whether a newcomer to a full set is to go past it. */
static __always_inline bool goes_past(struct slot_state *state)
{
	__u32 newcomers = ++state->newcomers;

	if (newcomers >= PERIOD)
		state->newcomers = 0;
	if (newcomers <= TAKES || state->lone < LONE_SCARCE)
		return false;
	if (newcomers == TAKES + 1)
		state->trial = TRIAL_SKIPS + TRIAL_LOOKS;
	return true;
}

/* Whether a packet of a trial goes to the flow map without a look at the slots. */
static __always_inline bool skips_slots(struct slot_state *state, const __u32 family)
{
	__u32 left = --state->trial;

	if (left > TRIAL_SKIPS)
		return false;
	if (left == TRIAL_SKIPS) {
		__u32 too_many = state->mask[family] << family < SETS_FEW ? TRIAL_LOOKS / 8
									  : TRIAL_LOOKS / 4 * 3;

		if (state->newcomers < TAKES + too_many) {
			state->trial = 0;
			return false;
		}
	}
	if (!left)
		state->newcomers = 0;
	return true;
}

/* For each empty slot that is taken: as many sets as flows ask for, of most. Where nearly all of
 * 131,072 slots are empty, each flow is in a page of its own, and each block has a mark. When sets
 * in use double, half of the flows have another set, and so two slots until the epoch ends. */
#define SETS_LEAST 1024

static __always_inline void fit_sets(struct slot_state *state, const __u32 family, __u32 most)
{
	__u32 mask = state->mask[family], refresh = control.refresh;

	if (state->refresh[family] != refresh) {
		state->refresh[family] = refresh;
		if (state->taken[family] < mask / 4)
			mask >>= 1;
		state->taken[family] = 0;
	} else if (++state->taken[family] > mask) {
		mask = mask << 1 | 1;
		state->taken[family] = 0;
	}
	if (mask < SETS_LEAST - 1)
		mask = SETS_LEAST - 1;
	state->mask[family] = mask < most ? mask : most - 1;
}

#endif
