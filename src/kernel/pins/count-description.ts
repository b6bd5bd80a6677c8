// SPDX-License-Identifier: Apache-2.0
// Where the counts of flows lie in our maps, in words that stay with the maps: a later version, which knows
// none of our layouts, sums by them. What is added to these types must leave what is there as it is. Pure.

import { KIND } from '../../abi/kinds.js';
import { FLOW_COUNT, FLOW_KEY4, FLOW_KEY6, FLOW_SLOT4, FLOW_SLOT6, OVERFLOW_KEY } from '../../abi/layout.js';
import { ROCE_SHAPE, ROCE_SLOT4, ROCE_SLOT6 } from '../../abi/roce-records.js';

/** A little-endian number in the key or in the value of an entry. */
export interface CountField {
  readonly in: 'key' | 'value';
  readonly offset: number;
  /** 1, 2, 4 or 8. */
  readonly bytes: number;
}

/**
 * A map whose entries are counts. Of an `array` (which can be mapped) an entry is `valueBytes` of its elements,
 * one after the other without a gap, and one of no packets is none. Of a `percpu_hash` a value stands there once
 * for each possible CPU, and they add up.
 */
export interface CountDescription {
  readonly map: string;
  readonly type: 'array' | 'hash' | 'percpu_hash';
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly ifindex: CountField;
  /** enum traffic_kind of bpf/abi.h, to which numbers are only ever added. */
  readonly kind: CountField | { readonly always: number };
  /** enum frame_reason, of kinds without a flow. */
  readonly reason?: CountField;
  readonly packets: CountField;
  readonly bytes: CountField;
  /** Counted elsewhere, too. */
  readonly lessPackets?: CountField;
  readonly lessBytes?: CountField;
}

const inKey = (offset: number, bytes: number): CountField => ({ in: 'key', offset, bytes });
const inValue = (offset: number, bytes: number): CountField => ({ in: 'value', offset, bytes });
const COUNT = { packets: inValue(FLOW_COUNT.packets, 8), bytes: inValue(FLOW_COUNT.bytes, 8) } as const;

/** Every packet is in one of them, but for those of `unattributed`. */
export function describeCounts(): readonly CountDescription[] {
  return [
    flowSlots('slots4', FLOW_SLOT4, FLOW_KEY4),
    flowSlots('slots6', FLOW_SLOT6, FLOW_KEY6),
    roceSlots('roce_slots4', ROCE_SLOT4),
    roceSlots('roce_slots6', ROCE_SLOT6),
    ...[0, 1].flatMap((half) => [flowMap(`flows4_${half}`, FLOW_KEY4), flowMap(`flows6_${half}`, FLOW_KEY6)]),
    {
      map: 'overflow',
      type: 'percpu_hash',
      keyBytes: OVERFLOW_KEY.size,
      valueBytes: FLOW_COUNT.size,
      ifindex: inKey(OVERFLOW_KEY.ifindex, 4),
      kind: inKey(OVERFLOW_KEY.kind, 1),
      reason: inKey(OVERFLOW_KEY.reason, 1),
      ...COUNT,
    },
  ];
}

type KeyLayout = typeof FLOW_KEY4 | typeof FLOW_KEY6;

function flowSlots(
  map: string,
  slot: typeof FLOW_SLOT4 | typeof FLOW_SLOT6,
  key: KeyLayout,
): CountDescription {
  return {
    map,
    type: 'array',
    keyBytes: 4,
    valueBytes: slot.size,
    ifindex: inValue(slot.key + key.ifindex, 4),
    kind: inValue(slot.key + key.kind, 1),
    reason: inValue(slot.key + key.protocol, 1),
    packets: inValue(slot.packets, 4),
    bytes: inValue(slot.bytes, 4),
  };
}

function flowMap(map: string, key: KeyLayout): CountDescription {
  return {
    map,
    type: 'hash',
    keyBytes: key.size,
    valueBytes: FLOW_COUNT.size,
    ifindex: inKey(key.ifindex, 4),
    kind: inKey(key.kind, 1),
    reason: inKey(key.protocol, 1),
    ...COUNT,
  };
}

function roceSlots(map: string, slot: typeof ROCE_SLOT4 | typeof ROCE_SLOT6): CountDescription {
  return {
    map,
    type: 'array',
    keyBytes: 4,
    valueBytes: slot.size,
    ifindex: inValue(slot.shape + ROCE_SHAPE.ifindex, 4),
    kind: { always: KIND.roceV2 },
    packets: inValue(slot.packets, 8),
    bytes: inValue(slot.bytes, 8),
    lessPackets: inValue(slot.strayedPackets, 8),
    lessBytes: inValue(slot.strayedBytes, 8),
  };
}
