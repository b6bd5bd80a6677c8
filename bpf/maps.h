/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Every map: key, value, who writes, who deletes, what happens when it is full. Sizes
 * here are placeholders; the loader sets them.
 *
 * Slots and flow maps exist twice, by epoch. Programs write one half; user space flips
 * control.epoch, waits for a grace period (map fence), and then owns the other half.
 */
#ifndef XTRACE_MAPS_H
#define XTRACE_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "slot.h"

/* Key: (epoch * cpu_count + cpu) * sets + hash, of options.sets4 or sets6; value: a set of slots.
 * Writer: the program, in the rows of its own CPU, so plain stores are enough (XDP runs
 * with bottom halves off: one program at a time per CPU). Zeroed by user space through
 * the memory map. Full: the smallest resident moves to the flow map and the newcomer takes
 * its slot, or the newcomer goes to the flow map itself (count.h). */
#define SLOT_MAP(name, set_type)                                                                   \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 2);                                                            \
		__type(key, __u32);                                                                \
		__type(value, set_type);                                                           \
	} name SEC(".maps")

SLOT_MAP(slots4, struct slot_set4);
SLOT_MAP(slots6, struct slot_set6);

/* Key: a mark's number / MARK_LINE_BYTES; a mark's number is its array's first_mark, in options, +
 * the index of a set >> block_shift; value: marks, 1 where a slot of the block may be in use.
 * Writer: programs, when a flow takes an empty slot, byte by byte. Cleared, byte by byte, by user
 * space through the memory map, once the slots of the block are. Full: never. */
SLOT_MAP(slot_marks, struct mark_line);

/* Key: CPU; value: how its slots fare. Writer: programs, on that CPU. Deleter: nobody. Full: never.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot_state);
} slot_states SEC(".maps");

/* Key: a flow; value: what its slots have handed over in this epoch. Writer: programs on
 * every CPU, by atomic addition. Deleter: user space, when the half is quiet. Full
 * (E2BIG), or no memory (ENOMEM), or the bucket is busy (EBUSY): the counts go to
 * `overflow`, and `refused` takes note of the flow. Not preallocated, so that an idle exporter is
 * small. */
#define FLOW_MAP(name, key_type)                                                                   \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, 131072);                                                       \
		__type(key, key_type);                                                             \
		__type(value, struct flow_count);                                                  \
	} name SEC(".maps")

FLOW_MAP(flows4_0, struct flow_key4);
FLOW_MAP(flows4_1, struct flow_key4);
FLOW_MAP(flows6_0, struct flow_key6);
FLOW_MAP(flows6_1, struct flow_key6);

/* Key: interface, kind, frame reason and epoch; value: counts that found no place in a flow map,
 * since load. Writer: programs, per CPU. Deleter: nobody. Full: cannot be with fewer than 70
 * interfaces (4,096 / (7 kinds with a flow + 22 frame reasons) / 2); then the counts go to
 * `unattributed`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct overflow_key);
	__type(value, struct flow_count);
} overflow SEC(".maps");

/* Key: epoch; value: which flows found no place in a flow map, as ranks of their hashes. Writer:
 * programs, by plain stores. Cleared by user space through the memory map. Full: never. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flow_sketch);
} refused SEC(".maps");

/* Key: 0; value: counts that even `overflow` could not take, since load. Expected to be
 * 0. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_count);
} unattributed SEC(".maps");

/* Key: a RoCE stream; value: its counts in this epoch. Writer: programs, by atomic addition.
 * Deleter: user space, when the half is quiet. Full, or no memory: the packet goes to
 * `roce_overflow`. */
#define ROCE_MAP(name)                                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, 16384);                                                        \
		__type(key, struct roce_key);                                                      \
		__type(value, struct roce_count);                                                  \
	} name SEC(".maps")

ROCE_MAP(roce_0);
ROCE_MAP(roce_1);

/* Key: (epoch * cpu_count + cpu) * roce_sets4 + hash; value: a set of ROCE_SLOT_WAYS slots. Writer:
 * the program, in the rows of its own CPU. Cleared by user space through the memory map. Full: the
 * packet is counted in a ROCE_MAP and as a flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct roce_set4);
} roce_slots4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct roce_set6);
} roce_slots6 SEC(".maps");

/* Key: the first bytes of a roce_key, up to the queue pair; value: bytes by UDP source port, of
 * packets that strayed from their stream's first one. Writer: programs on every CPU, by atomic
 * addition. Deleter: user space, when the half is quiet. Full: the bytes are in no bucket, but
 * counted as strayed. */
#define PORTS_MAP(name)                                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, 4096);                                                         \
		__uint(key_size, PORT_SPREAD_KEY_BYTES);                                           \
		__uint(value_size, sizeof(struct port_spread));                                    \
	} name SEC(".maps")

PORTS_MAP(roce_ports_0);
PORTS_MAP(roce_ports_1);

/* Key: hash of a stream of PSNs; value: a set of them. Writer: programs; a state is replaced at
 * once by compare and swap. Deleter: a newcomer takes the place that was silent longest; who
 * is forgotten begins anew with the next packet, so nothing is counted wrong by it. User space
 * reads it. Not a kernel hash: a packet in order cost 43 ns with an LRU map, 13 with this. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct psn_set);
} roce_psn SEC(".maps");

/* Key: set * PSN_WAYS + way of a stream in roce_psn; value: what is missing of it. Writer: the
 * program that holds the lock in the stream's state. Deleter: the stream's successor. User space
 * reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PSN_WAYS);
	__type(key, __u32);
	__type(value, struct psn_window);
} roce_windows SEC(".maps");

/* What an IP header or GRH says of its packet. */
struct network {
	__u32 end;	 /* offset at which the packet ends; 0 where it does not say */
	__u32 whole;	 /* ... at which a datagram ends at most that goes on in other fragments */
	__u32 codepoint; /* ECN */
	__u32 is_ipv4;
};

/* A packet whose order is to be judged: what one function hands to the next, as their stacks have
 * no room for it. */
struct roce_work {
	struct roce_key key;
	struct network network;
	__u64 stream;
	__u32 psn;
	__u32 epoch;
	__u32 rule;	 /* enum psn_rule */
	__u32 direction; /* enum psn_direction */
};

/* Key: 0. Writer: programs, each for itself (XDP runs with bottom halves off). Never read later. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct roce_work);
} roce_work SEC(".maps");

/* Key: interface, RoCE version and epoch; value: packets that found no place in a ROCE_MAP, or
 * (ROCE_UNBOOKED) judgements on their order, since load. Writer: programs, per CPU. Deleter:
 * nobody. Full: cannot be with fewer than 170 interfaces.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct roce_overflow_key);
	__type(value, struct flow_count);
} roce_overflow SEC(".maps");

/* Never read by programs. A user-space update of an element returns only after an RCU
 * grace period (maybe_wait_bpf_programs() in kernel/bpf/syscall.c): no program that saw
 * the former epoch runs any more. */
struct fence_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} fence_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct fence_inner);
} fence SEC(".maps") = {
	.values = {&fence_inner},
};

#endif
