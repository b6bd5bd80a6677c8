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

/** struct flow_slot4 and flow_slot6: a key, its count, and padding to one cache line. */
export const FLOW_SLOT4 = { size: 64, key: 0, count: 24, pad: 40 } as const;
export const FLOW_SLOT6 = { size: 64, key: 0, count: 48 } as const;

/** SLOT_WAYS slots make a set; a set is one element of the slot arrays. */
export const SLOT_WAYS = 2;
export const SLOT_SET_SIZE = 128;

/** struct flow_sketch: a byte a register. */
export const SKETCH_SIZE = 16_384;

/** struct overflow_key. */
export const OVERFLOW_KEY = { size: 8, ifindex: 0, kind: 4, reason: 5, epoch: 6 } as const;

/** struct options: the object's read-only data. */
export const OPTIONS = {
  size: 120,
  abiVersion: 0,
  cpuCount: 4,
  setsPerCpu: 8,
  hashSeed: 12,
  kindsWanted: 16,
  roce: 28,
  decapMirror: 29,
  psnIdleMax: 30,
  psnSets: 32,
  roceSets4: 36,
  roceSets6: 40,
  foldPorts: 44,
  pad: 45,
  mask4: 48,
  mask6: 72,
} as const;

/** struct control: the object's .bss. */
export const CONTROL = { size: 8, epoch: 0, refresh: 4 } as const;
