// SPDX-License-Identifier: Apache-2.0
// Offsets and sizes of every record that crosses from the kernel, restating bpf/abi.h by hand.
// test/bpf/layout.test.ts compares them with the BTF of the built object. Bytes only: this room
// knows no map, no file and no clock.

/** Must equal ABI_VERSION in bpf/abi.h; the loader refuses an object that says otherwise. */
export const ABI_VERSION = 5;

/** Byte of qp, in both keys, that holds the DSCP. */
export const DSCP_BYTE = 3;

/** Words of the variable ephemeral_ports. */
export const PORT_WORDS = 2048;

/** struct flow_key4. Addresses are bytes as on the wire, numbers in host order. */
export const FLOW_KEY4 = {
  size: 24,
  srcIp: 0,
  dstIp: 4,
  srcPort: 8,
  dstPort: 10,
  ifindex: 12,
  protocol: 16,
  kind: 17,
  vlan: 18,
  qp: 20,
} as const;

/** struct flow_key6. */
export const FLOW_KEY6 = {
  size: 48,
  srcIp: 0,
  dstIp: 16,
  srcPort: 32,
  dstPort: 34,
  ifindex: 36,
  protocol: 40,
  kind: 41,
  vlan: 42,
  qp: 44,
} as const;

/** struct flow_count. */
export const FLOW_COUNT = { size: 16, packets: 0, bytes: 8 } as const;

/** struct flow_slot4 and flow_slot6: a key, and counts of 32 bits. */
export const FLOW_SLOT4 = { size: 32, key: 0, packets: 24, bytes: 28 } as const;
export const FLOW_SLOT6 = { size: 64, key: 0, packets: 48, bytes: 52, pad: 56 } as const;

/** struct slot_set4 and slot_set6: slots without a gap; a set is one element of a slot array. */
export const SLOT_SET4 = { size: 128, ways: 4 } as const;
export const SLOT_SET6 = { size: 256, ways: 4 } as const;

/** struct mark_line: a byte a mark. */
export const MARK_LINE_BYTES = 64;

/** struct slot_state. */
export const SLOT_STATE = {
  size: 128,
  trial: 0,
  mask: 4,
  taken: 12,
  refresh: 20,
  newcomers: 28,
  lone: 32,
  pad: 36,
  passed: 40,
  count: 48,
  entry: 64,
} as const;

/** struct flow_sketch: a byte a register. */
export const SKETCH_SIZE = 16_384;

/** struct overflow_key. */
export const OVERFLOW_KEY = { size: 8, ifindex: 0, kind: 4, reason: 5, epoch: 6 } as const;

/** struct options: the object's read-only data. */
export const OPTIONS = {
  size: 144,
  abiVersion: 0,
  cpuCount: 4,
  hashSeed: 8,
  sets4: 12,
  sets6: 16,
  roceSets4: 20,
  roceSets6: 24,
  firstMark4: 28,
  firstMark6: 32,
  roceFirstMark4: 36,
  roceFirstMark6: 40,
  blockShift4: 44,
  blockShift6: 45,
  roceBlockShift4: 46,
  roceBlockShift6: 47,
  kindsWanted: 48,
  roce: 60,
  decapMirror: 61,
  psnIdleMax: 62,
  psnSets: 64,
  foldPorts: 68,
  pad: 69,
  mask4: 72,
  mask6: 96,
} as const;

/** struct control: the object's .bss. */
export const CONTROL = { size: 8, epoch: 0, refresh: 4 } as const;
