// SPDX-License-Identifier: Apache-2.0
// The fields of a RoCE stream's key (struct roce_key, roce-records.ts), read out of the 32-bit words of a
// row of RoceRows: everywhere else a key is opaque. `wordOffset` is the first word of the key.

import { ROCE_KEY } from './roce-records.js';

const INTERFACE_WORD = ROCE_KEY.ifindex >> 2;
const QUEUE_PAIR_WORD = ROCE_KEY.qp >> 2;
const PKEY_WORD = ROCE_KEY.pkey >> 2;
/** Version, transport, DSCP and detail. */
const SHAPE_WORD = ROCE_KEY.version >> 2;
const PKEY_SHIFT = 8 * (ROCE_KEY.pkey & 3);
const TRANSPORT_SHIFT = 8 * (ROCE_KEY.transport & 3);
const DSCP_SHIFT = 8 * (ROCE_KEY.dscp & 3);
const DETAIL_SHIFT = 8 * (ROCE_KEY.detail & 3);

/** The exporter's own number of the interface, which a row has in place of the ifindex. */
export function streamInterfaceIdOf(keys: Uint32Array, wordOffset: number): number {
  return keys[wordOffset + INTERFACE_WORD] ?? 0;
}

/** The destination queue pair. */
export function streamQueuePairOf(keys: Uint32Array, wordOffset: number): number {
  return keys[wordOffset + QUEUE_PAIR_WORD] ?? 0;
}

export function pkeyOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + PKEY_WORD] ?? 0) >>> PKEY_SHIFT;
}

/** 1 or 2. */
export function roceVersionOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + SHAPE_WORD] ?? 0) & 0xff;
}

/** A number of ROCE_TRANSPORT. */
export function transportOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + SHAPE_WORD] ?? 0) >>> TRANSPORT_SHIFT) & 0xff;
}

export function dscpOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + SHAPE_WORD] ?? 0) >>> DSCP_SHIFT) & 0xff;
}

/** A number of ROCE_MALFORMED where the transport is malformed. */
export function detailOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + SHAPE_WORD] ?? 0) >>> DETAIL_SHIFT;
}
