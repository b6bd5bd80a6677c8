// SPDX-License-Identifier: Apache-2.0
// What the rest of the program may do with the kernel's maps: the seam between kernel/, which
// alone knows FFI, and reader/, which alone knows the order of a drain.

import type { SlotArray, SlotSizes } from './slot-sizing.js';

/** 0 or 1: one of the two halves of slots and flow maps. */
export type Half = 0 | 1;
/** IP version of a map's keys: 4 (24 bytes) or 6 (48 bytes). */
export type IpVersion = 4 | 6;

/** A hash map that a drain empties: flows of either IP version, RoCE streams, or how these spread over ports. */
export type DrainedMap = 'flows4' | 'flows6' | 'roce' | 'roce_ports';
/** A map of what the drained ones could not take. */
export type OverflowMap = 'overflow' | 'roce_overflow';

/**
 * Called with one batch of entries, of drain() deleted from the map already: `count` keys (struct flow_key4, flow_key6,
 * roce_key or its first bytes) and as many counts (struct flow_count, roce_count or port_spread). The buffers are reused after the call.
 */
export type BatchSink = (keys: Uint8Array, counts: Uint8Array, count: number) => void;

/**
 * Called once per entry of an overflow map: its interface, its kind, its frame reason (0 for kinds with
 * a flow), the half in whose epochs it was counted, and its totals since the object was loaded, summed
 * over all CPUs. Of roce_overflow the kind is the RoCE version (0: malformed).
 */
export type OverflowSink = (
  ifindex: number,
  kind: number,
  frameReason: number,
  half: Half,
  packets: number,
  bytes: number,
) => void;

/** What user space has to know to make flows and streams of RoCE slots. */
export interface RoceDerivation {
  /** As LoadOptions has them. */
  readonly mask4: Uint8Array;
  readonly mask6: Uint8Array;
  readonly ephemeralPorts: Uint32Array | undefined;
  /** The object's variable opcode_facts: OPCODE_FACTS.size bytes an opcode. */
  readonly opcodeFacts: Uint8Array;
}

/** Mapped memory that programs write at any time; to be read only. */
export interface PsnMemory {
  /** struct psn_set by set. */
  readonly sets: Uint8Array;
  /** struct psn_window by set * PSN_WAYS + way. */
  readonly windows: Uint8Array;
  /** The programs' clock. */
  refresh(): number;
  /**
   * Has a program count the holes of a stream as lost, if it was silent for two refreshes. Rejects with
   * KernelError.
   */
  sweep(element: number): Promise<void>;
}

/** One half of a slot array, in the kernel's own memory. */
export interface SlotMemory {
  /** Sets of all CPUs, row after row. */
  readonly slots: Uint8Array;
  /** A byte for each block of sets, as many sets to each: not 0 where a slot may be in use. */
  readonly marks: Uint8Array;
}

export interface KernelMaps {
  /** Possible CPUs: rows of the slot arrays. */
  readonly cpuCount: number;
  readonly slotSizes: SlotSizes;
  /** Entries each flow map (ipVersion, half) can hold. */
  readonly flowCapacity: number;
  /** Entries of each RoCE stream map. */
  readonly roceCapacity: number;

  /** What options.hash_seed was set to. */
  readonly hashSeed: number;
  /** What else the programs were loaded with that the rows of RoCE slots depend on. */
  readonly roceDerivation: RoceDerivation;
  /** The order of RoCE packets; see psn-streams.ts in reader/. */
  readonly psn: PsnMemory;

  /** Which half the programs write now. */
  readEpoch(): Half;
  /**
   * One store, and one more refresh on the programs' clock; programs that started before may still
   * write the other half until fence() is done.
   */
  writeEpoch(half: Half): void;
  /**
   * Resolves when no program that could have seen the former epoch still runs (an RCU grace period,
   * 10-50 ms, off the event loop). Rejects with KernelError.
   */
  fence(): Promise<void>;
  /**
   * The slots of one half, and their marks: mapped memory. Reading and clearing it is reading and
   * clearing the kernel's memory: only after fence(), and marks byte by byte.
   */
  slots(array: SlotArray, half: Half): SlotMemory;
  /** The ranks of struct flow_sketch of one half: mapped memory, to be cleared like the slots. */
  refused(half: Half): Uint8Array;
  /**
   * Empties a map in batches, off the event loop, calling the sink once per batch. When it
   * rejects (KernelError), every entry that is gone from the map has been given to the sink.
   */
  drain(map: DrainedMap, half: Half, sink: BatchSink): Promise<void>;
  /** The same, but the entries stay in the map. */
  copy(map: DrainedMap, half: Half, sink: BatchSink): Promise<void>;
  /** Reads the totals of what found no place in a map. Rejects with KernelError. */
  readOverflow(map: OverflowMap, sink: OverflowSink): Promise<void>;
  /** Deletes what a quiet half counted there. Rejects with KernelError. */
  clearOverflow(map: OverflowMap, half: Half): Promise<void>;
  /** Packets and bytes that even the overflow map could not take, totals since load (expected: 0). */
  readUnattributed(): Promise<{ packets: number; bytes: number }>;
}
