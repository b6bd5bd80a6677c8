// SPDX-License-Identifier: Apache-2.0
// The form in which counts leave the kernel's layouts: columns, one row per (flow, place where
// it was counted). A flow may stand in several rows; whoever adds up merges them.
//
// A row's key is FLOW_ROW_WORDS 32-bit words, the layout of flow_key6 with three changes:
//   bytes  0-15  source address (IPv4: in bytes 0-3, the rest zero)
//   bytes 16-31  destination address (likewise)
//   bytes 32-35  source port, destination port (u16, host order)
//   bytes 36-38  interface id, little end first: NOT the ifindex, which changes when a device comes
//                back, but the exporter's own stable number for the interface's name
//   byte  39     IP version: 4 or 6
//   byte  40     protocol (or frame_reason)
//   byte  41     kind
//   bytes 42-43  VLAN id
//   bytes 44-46  RoCE destination queue pair, little end first
//   byte  47     DSCP; 0 where it is not asked for
//   bytes 48-51  numbers of the networks of source and destination address (u16, host order), which
//                the kernel does not know; 0 where there is none
// Host order is little endian on every machine we build for (x86-64, arm64); the loader refuses others.

/** 32-bit words of a row's key. */
export const FLOW_ROW_WORDS = 13;
export const FLOW_ROW_BYTES = 52;

/** Byte offsets within a row's key. */
export const FLOW_ROW = {
  srcIp: 0,
  dstIp: 16,
  srcPort: 32,
  dstPort: 34,
  interfaceId: 36,
  ipVersion: 39,
  protocol: 40,
  kind: 41,
  vlan: 42,
  qp: 44,
  dscp: 47,
  srcNetwork: 48,
  dstNetwork: 50,
} as const;

/** Counts of one drain. Row i: keys[i * 13 .. i * 13 + 12], packets[i], bytes[i] (doubles, exact to 2^53). */
export interface FlowRows {
  readonly length: number;
  readonly keys: Uint32Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

/** What the flow map could not take, since the last drain: a total by interface, kind and reason. */
export interface OverflowRow {
  readonly interfaceId: number;
  readonly kind: number;
  /** Of enum frame_reason for kinds without a flow, else 0. */
  readonly frameReason: number;
  readonly packets: number;
  readonly bytes: number;
}
