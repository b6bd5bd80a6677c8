// SPDX-License-Identifier: Apache-2.0
// The fields of a flow row's key (records.ts), read out of its 32-bit words: everywhere else a key is
// opaque. Host order is little endian, so the field at byte b lies in word b >> 2, shifted by 8 * (b & 3).
// `wordOffset` is the first word of the key. Hot: called once a row and once a label.

import { FLOW_ROW } from './records.js';

const PORTS_WORD = FLOW_ROW.srcPort >> 2;
/** Interface id and IP version. */
const INTERFACE_WORD = FLOW_ROW.interfaceId >> 2;
const IP_VERSION_SHIFT = 8 * (FLOW_ROW.ipVersion & 3);
/** Protocol, kind and VLAN id. */
const SHAPE_WORD = FLOW_ROW.protocol >> 2;
const KIND_SHIFT = 8 * (FLOW_ROW.kind & 3);
const VLAN_SHIFT = 8 * (FLOW_ROW.vlan & 3);
/** Queue pair and DSCP. */
const QUEUE_PAIR_WORD = FLOW_ROW.qp >> 2;
const DSCP_SHIFT = 8 * (FLOW_ROW.dscp & 3);
const NETWORKS_WORD = FLOW_ROW.srcNetwork >> 2;
/** Interface ids have 24 bits. */
const INTERFACE_MAX = 0xffffff;
/** Stands for all interfaces where flows do not tell them apart. */
export const ANY_INTERFACE = INTERFACE_MAX;

/** First of the four words of each address, relative to wordOffset; an IPv4 address is the first word alone. */
export const SOURCE_ADDRESS_WORD = FLOW_ROW.srcIp >> 2;
export const DESTINATION_ADDRESS_WORD = FLOW_ROW.dstIp >> 2;

export const PORT_MAX = 0xffff;
export const PROTOCOL_MAX = 0xff;
export const VLAN_MAX = 0xffff;
/** Queue pairs have 24 bits (IBTA vol. 1, 9.2.7). */
export const QUEUE_PAIR_MAX = 0xffffff;
export const DSCP_MAX = 0x3f;
/** Numbers of networks have 16 bits. */
export const NETWORK_MAX = 0xffff;

/** 0 where there is none. */
export function sourcePortOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + PORTS_WORD] ?? 0) & PORT_MAX;
}

/** 0 where there is none. */
export function destinationPortOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + PORTS_WORD] ?? 0) >>> 16;
}

/** The exporter's own number of the interface. */
export function interfaceIdOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + INTERFACE_WORD] ?? 0) & INTERFACE_MAX;
}

/** The IP protocol, one of our own numbers, or the frame reason of kinds without a flow. */
export function protocolOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + SHAPE_WORD] ?? 0) & PROTOCOL_MAX;
}

/** A number of KIND (kinds.ts). */
export function kindOf(keys: Uint32Array, wordOffset: number): number {
  return ((keys[wordOffset + SHAPE_WORD] ?? 0) >>> KIND_SHIFT) & 0xff;
}

/** 0 where there was no tag, or VLANs are not told apart. */
export function vlanOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + SHAPE_WORD] ?? 0) >>> VLAN_SHIFT;
}

/** The destination queue pair of RoCE; 0 where there is none, or they are not told apart. */
export function queuePairOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + QUEUE_PAIR_WORD] ?? 0) & QUEUE_PAIR_MAX;
}

/** Of a key whose IP version, 0 for none, or interface is not to be told apart. */
export function setInterface(
  keys: Uint32Array,
  wordOffset: number,
  interfaceId: number,
  ipVersion: number,
): void {
  keys[wordOffset + INTERFACE_WORD] = (interfaceId | (ipVersion << IP_VERSION_SHIFT)) >>> 0;
}

export function setKind(keys: Uint32Array, wordOffset: number, kind: number): void {
  const shape = keys[wordOffset + SHAPE_WORD] ?? 0;
  keys[wordOffset + SHAPE_WORD] = ((shape & ~(0xff << KIND_SHIFT)) | (kind << KIND_SHIFT)) >>> 0;
}

/** Makes keys equal that differ in their protocol alone. Not for kinds without a flow. */
export function clearProtocol(keys: Uint32Array, wordOffset: number): void {
  keys[wordOffset + SHAPE_WORD] = ((keys[wordOffset + SHAPE_WORD] ?? 0) & ~PROTOCOL_MAX) >>> 0;
}

/** 4 or 6. */
export function ipVersionOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + INTERFACE_WORD] ?? 0) >>> IP_VERSION_SHIFT;
}

/** 0 where it is not asked for. */
export function flowDscpOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + QUEUE_PAIR_WORD] ?? 0) >>> DSCP_SHIFT;
}

/** Number of the network of the source address; 0 where there is none. */
export function sourceNetworkOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + NETWORKS_WORD] ?? 0) & NETWORK_MAX;
}

/** Number of the network of the destination address; 0 where there is none. */
export function destinationNetworkOf(keys: Uint32Array, wordOffset: number): number {
  return (keys[wordOffset + NETWORKS_WORD] ?? 0) >>> 16;
}

export function setNetworks(
  keys: Uint32Array,
  wordOffset: number,
  source: number,
  destination: number,
): void {
  keys[wordOffset + NETWORKS_WORD] = (source | (destination << 16)) >>> 0;
}

/** Makes keys equal that differ in the address of four words from `word` alone. */
export function clearAddress(keys: Uint32Array, wordOffset: number, word: number): void {
  keys.fill(0, wordOffset + word, wordOffset + word + 4);
}

/** Whether the four words from wordOffset are ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
export function isMappedIpv4(words: Uint32Array, wordOffset: number): boolean {
  return words[wordOffset] === 0 && words[wordOffset + 1] === 0 && words[wordOffset + 2] === 0xffff0000;
}

/** A word of an address, whose first byte is lowest in a row, with that byte highest; or back. */
export function swapBytes(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
