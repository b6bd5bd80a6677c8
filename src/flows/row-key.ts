// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a row's key (src/abi/records.ts) out of its 32-bit words. Host order is
// little endian, so a field at byte b sits in word b >> 2, shifted by 8 * (b & 3).

import { FLOW_ROW } from '../abi/records.js';

const INTERFACE_WORD = FLOW_ROW.interfaceId >> 2;
const KIND_WORD = FLOW_ROW.kind >> 2;
const KIND_SHIFT = 8 * (FLOW_ROW.kind & 3);
const PROTOCOL_SHIFT = 8 * (FLOW_ROW.protocol & 3);
const FAMILY_WORD = FLOW_ROW.family >> 2;
const FAMILY_SHIFT = 8 * (FLOW_ROW.family & 3);

/** The exporter's own number of the interface; `wordOffset` is the first word of the key. */
export function interfaceIdOf(keys: Uint32Array, wordOffset: number): number {
  return keys[wordOffset + INTERFACE_WORD] ?? 0;
}

/** A number of KIND (src/abi/kinds.ts). */
export function kindOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + KIND_WORD] ?? 0) >>> KIND_SHIFT) & 0xff;
}

/** The IP protocol, one of our own numbers, or the frame reason of kinds without a flow. */
export function protocolOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + KIND_WORD] ?? 0) >>> PROTOCOL_SHIFT) & 0xff;
}

/** 4 or 6. */
export function familyOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + FAMILY_WORD] ?? 0) >>> FAMILY_SHIFT) & 0xff;
}
