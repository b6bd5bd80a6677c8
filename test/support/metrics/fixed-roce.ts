// SPDX-License-Identifier: Apache-2.0
// A pair table with fixed contents: one snapshot that tests and golden files share.

import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import type { Family } from '../../../src/metrics/definition.js';
import { roceFamilies } from '../../../src/metrics/roce-families.js';
import { createRocePairs, type RocePairs } from '../../../src/roce/roce-pairs.js';
import { FIXED_LABELS } from '../exposition/series-fixture.js';
import { roceRowsOf, type StreamSpec } from '../roce/roce-rows.js';

const c = ROCE_CELL;
const GID = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1];

/** One pair with one of everything, its way back, a RoCE v1 pair, and one that finds no room. */
export const FIXED_STREAMS: readonly StreamSpec[] = [
  {
    dscp: 26,
    sourcePort: 0xc001,
    packets: 1000,
    bytes: 1_090_000,
    cells: {
      [c.payloadBytes]: 1_024_000,
      [c.ecn]: 1,
      [c.ecn + 1]: 2,
      [c.ecn + 2]: 900,
      [c.ecn + 3]: 97,
      [c.fecn]: 3,
      [c.becn]: 4,
      [c.solicited]: 5,
      [c.ackRequest]: 6,
      [c.lengthMalformed]: 7,
      [c.sends]: 8,
      [c.writes]: 9,
      [c.reads]: 10,
      [c.compareSwaps]: 11,
      [c.fetchAdds]: 12,
      [c.atomicWrites]: 13,
      [c.flushes]: 14,
      [c.psnGaps]: 15,
      [c.psnGapPackets]: 160,
      [c.psnRewinds]: 17,
      [c.psnRetransmitted]: 180,
      [c.psnResyncs]: 1,
      [c.writeMessageBytes]: 2_147_483_648,
      [c.readMessageBytes]: 640,
      [c.writeSizes]: 1,
      [c.writeSizes + 1]: 2,
      [c.writeSizes + 13]: 6,
      [c.readSizes]: 10,
    },
  },
  { queuePair: 18, dscp: 26, sourcePort: 0xc002, packets: 10, bytes: 10_000, pkey: 0x8001 },
  { queuePair: 1, transport: 'ud', sourcePort: 0xc003, packets: 4, bytes: 1288, cells: { [c.ecn]: 4 } },
  { transport: 'malformed', detail: 1, packets: 1, bytes: 60 },
  { transport: 'malformed', detail: 2, packets: 2, bytes: 120 },
  { transport: 'malformed', detail: 3, packets: 3, bytes: 180 },
  {
    src: [10, 0, 0, 2],
    dst: [10, 0, 0, 1],
    detail: 1,
    packets: 30,
    bytes: 1860,
    cells: {
      [c.ecn]: 30,
      [c.acks]: 8,
      [c.naks]: 1,
      [c.naks + 1]: 2,
      [c.naks + 2]: 3,
      [c.naks + 3]: 4,
      [c.naks + 4]: 5,
      [c.naks + 5]: 6,
      [c.rnrNaks]: 2,
      [c.rnrDelay10us]: 65_600,
    },
  },
  {
    src: [10, 0, 0, 2],
    dst: [10, 0, 0, 1],
    transport: 'cnp',
    dscp: 48,
    packets: 5,
    bytes: 370,
    cells: { [c.ecn]: 5, [c.becn]: 5 },
  },
  { src: GID, dst: [10, 0, 0, 9], version: 1, interfaceId: 1, transport: 'uc', packets: 7, bytes: 700 },
  { src: [10, 0, 0, 99], packets: 2, bytes: 200 },
  { src: [10, 0, 0, 98], transport: 'malformed', detail: 1, packets: 1, bytes: 60 },
];

export async function createFixedPairs(perQueuePair = false): Promise<RocePairs> {
  const pairs = createRocePairs(
    {
      maxPairs: perQueuePair ? 100 : 3,
      idleTimeoutMs: 300_000,
      intervalMs: 5000,
      perQueuePair,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
    },
    { yieldToLoop: async () => undefined },
  );
  const overflow = [{ interfaceId: 0, version: 2, packets: 11, bytes: 1100 }];
  await pairs.apply(roceRowsOf(FIXED_STREAMS), overflow, 1_700_000_000_000);
  return pairs;
}

export async function fixedRoceFamilies(perQueuePair = false): Promise<Family[]> {
  const { view } = await createFixedPairs(perQueuePair);
  return roceFamilies(view, FIXED_LABELS, { yieldToLoop: async () => undefined });
}
