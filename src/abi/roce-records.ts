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
  srcPort: 40,
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
} as const;

/** Cells of struct roce_count; the last is not in use. */
export const ROCE_CELLS = 64;
/** Bounds of message sizes; there is one more cell, for what is larger. */
export const ROCE_SIZE_BOUNDS = 13;

/** struct psn_set: PSN_WAYS streams, a u64 hash and a u64 state each. An element of the map roce_psn. */
export const PSN_SET = { size: 64, stream: 0, state: 32 } as const;
export const PSN_WAYS = 4;

/** struct roce_overflow_key. */
export const ROCE_OVERFLOW_KEY = { size: 8, ifindex: 0, version: 4, epoch: 6 } as const;

/** 32-bit words of a stream's key. */
export const ROCE_KEY_WORDS = 12;

/**
 * Counts of one drain, by stream; one may stand in several rows. Row i: keys[i * 12 .. i * 12 + 11] are a
 * struct roce_key with the interface id (see records.ts) instead of the ifindex, and cells[i * 64 ..
 * i * 64 + 63] its counts (doubles, exact to 2^53). Valid until the next drain.
 */
export interface RoceRows {
  readonly length: number;
  readonly keys: Uint32Array;
  readonly cells: Float64Array;
}

/** What the stream map could not take, since the last drain. */
export interface RoceOverflowRow {
  readonly interfaceId: number;
  /** 1 or 2; 0 for malformed packets. */
  readonly version: number;
  readonly packets: number;
  readonly bytes: number;
}
