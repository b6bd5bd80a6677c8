// SPDX-License-Identifier: Apache-2.0
// RoCE streams as they leave the kernel: struct roce_key and struct roce_count of bpf/abi.h, and the
// columns in which the reader hands them over. Layout and names only.

/** enum roce_transport: the upper three bits of a BTH opcode; 7 is no BTH where one should be. */
export const ROCE_TRANSPORT = {
  rc: 0,
  uc: 1,
  rd: 2,
  ud: 3,
  cnp: 4,
  xrc: 5,
  vendor: 6,
  malformed: 7,
} as const;

/** enum roce_malformed. */
export const ROCE_MALFORMED = { short: 1, version: 2, opcode: 3 } as const;

/** struct roce_key: 48 bytes, offsets in bytes. Addresses as on the wire; IPv4 as ::ffff:a.b.c.d. */
export const ROCE_KEY = {
  size: 48,
  srcIp: 0,
  dstIp: 16,
  /** In a row of RoceRows: the interface id in its place. */
  ifindex: 32,
  qp: 36,
  /** 0: the UDP source port is no part of a stream. */
  pad: 40,
  pkey: 42,
  version: 44,
  transport: 45,
  dscp: 46,
  detail: 47,
} as const;

/** enum roce_cell: index into struct roce_count, whose cells are u64. */
export const ROCE_CELL = {
  packets: 0,
  bytes: 1,
  payloadBytes: 2,
  /** 4 cells by codepoint: not-ECT, ECT(1), ECT(0), CE. */
  ecn: 3,
  fecn: 7,
  becn: 8,
  solicited: 9,
  ackRequest: 10,
  lengthMalformed: 11,
  sends: 12,
  writes: 13,
  reads: 14,
  compareSwaps: 15,
  fetchAdds: 16,
  atomicWrites: 17,
  flushes: 18,
  acks: 19,
  /** 6 cells: codes 0x60-0x64, and the reserved ones. */
  naks: 20,
  rnrNaks: 26,
  /** In units of 10 us. */
  rnrDelay10us: 27,
  psnGaps: 28,
  psnGapPackets: 29,
  psnRewinds: 30,
  psnRetransmitted: 31,
  psnResyncs: 32,
  writeMessageBytes: 33,
  readMessageBytes: 34,
  /** 14 cells each: RETH lengths up to 64 x 4^n bytes, n = 0..12, and above; not cumulative. */
  writeSizes: 35,
  readSizes: 49,
  psnLate: 64,
  psnLost: 65,
  psnDuplicates: 66,
  psnUnjudged: 67,
  /** No sum: PORT_KNOWN | the first UDP source port; 0 where there is none. */
  port: 68,
  /** Bytes of packets with another source port than that. */
  strayedBytes: 69,
  /** Never the kernel's: the reader takes them from psnLost (reader/capture-loss.ts). */
  psnCaptureLost: 70,
} as const;

/** Set in ROCE_CELL.port where a port is there. */
export const PORT_KNOWN = 0x10000;

/** Cells of struct roce_count; 63 and 71 are not in use. */
export const ROCE_CELLS = 72;
/** Bounds of message sizes; there is one more cell, for what is larger. */
export const ROCE_SIZE_BOUNDS = 13;

/** struct roce_shape: what tells packets of a slot apart, offsets in bytes. */
export const ROCE_SHAPE = {
  size: 16,
  ifindex: 0,
  vlan: 4,
  pkey: 6,
  /** Low 24 bits: destination queue pair; high 8: opcode. */
  qp: 8,
  tos: 12,
  /** SE, M and the pad count as the BTH has them, and ROCE_SHAPE_BIT. */
  bits: 13,
  transportOffset: 14,
  sizeCell: 15,
} as const;
export const ROCE_SHAPE_BIT = { solicited: 0x80, ackRequest: 0x08, fecn: 0x04, becn: 0x02 } as const;

/** struct roce_slot4 and roce_slot6: addresses, shape and counts. */
export const ROCE_SLOT4 = {
  size: 64,
  srcIp: 0,
  dstIp: 4,
  shape: 8,
  packets: 24,
  bytes: 32,
  strayedPackets: 40,
  strayedBytes: 48,
  srcPort: 56,
  pad: 58,
} as const;
export const ROCE_SLOT6 = {
  size: 128,
  srcIp: 0,
  dstIp: 16,
  shape: 32,
  packets: 48,
  bytes: 56,
  strayedPackets: 64,
  strayedBytes: 72,
  srcPort: 80,
  pad: 82,
  linePad: 88,
} as const;
/** struct roce_set4 and roce_set6: so many slots make a set, an element of the slot arrays. */
export const ROCE_SLOT_WAYS = 4;

/** An entry of the read-only variable opcode_facts, by opcode: struct opcode_facts of bpf/bth.h. */
export const OPCODE_FACTS = { size: 4, transportBytes: 0, headerBytes: 1, message: 2, flags: 3 } as const;
export const OPCODE_FLAG = { response: 0x01, sized: 0x02, syndrome: 0x04, noPayload: 0x40 } as const;

/** struct port_spread: bytes (u64) by the low bits of a UDP source port. Its key is the first bytes of a roce_key. */
export const PORT_BUCKETS = 256;
export const PORT_SPREAD_KEY_SIZE = 40;

/** struct psn_set: PSN_WAYS streams, a u64 hash and a u64 state each. An element of the map roce_psn. */
export const PSN_SET = { size: 64, stream: 0, state: 32 } as const;
export const PSN_WAYS = 4;
/** enum psn_direction. */
export const PSN_DIRECTION = { requests: 0, responses: 1, acked: 2 } as const;
/** struct psn_window, an element of roce_windows: set * PSN_WAYS + way. */
export const PSN_WINDOW = {
  size: 192,
  key: 0,
  holes: 48,
  direction: 52,
  missing: 56,
  unjudged: 184,
  pad: 188,
} as const;
/** PSNs below the highest one whose holes are remembered. */
export const PSN_WINDOW_PSNS = 1024;

/** In place of a version, of roce_overflow: judgements on packets whose stream had no place. */
export const ROCE_UNBOOKED = 3;

/** struct roce_overflow_key. */
export const ROCE_OVERFLOW_KEY = { size: 8, ifindex: 0, version: 4, epoch: 6 } as const;

/** 32-bit words of a stream's key. */
export const ROCE_KEY_WORDS = 12;

/**
 * Counts of one drain, by stream; one may stand in several rows. keys[i * 12 .. i * 12 + 11] are a struct
 * roce_key with the interface id (see records.ts) instead of the ifindex. Valid until the next drain.
 */
export interface RoceRows {
  readonly length: number;
  readonly keys: Uint32Array;
  /** ROCE_CELLS counts of a row (doubles, exact to 2^53); valid until the next call. */
  cellsOf(row: number): Float64Array;
  /** How streams spread over UDP source ports, of those that have more than one. */
  readonly spreads: readonly PortSpread[];
}

/** Bytes of one stream's packets by the low 8 bits of their source port, but for its rows' own ports. */
export interface PortSpread {
  /** The first 10 words of a row's key. */
  readonly key: Uint32Array;
  readonly bytes: Float64Array;
}

/** What the stream map could not take, since the last drain. */
export interface RoceOverflowRow {
  readonly interfaceId: number;
  /** 1 or 2; 0 for malformed packets; or ROCE_UNBOOKED, of packets that are counted elsewhere, too. */
  readonly version: number;
  readonly packets: number;
  readonly bytes: number;
}
