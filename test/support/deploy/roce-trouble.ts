// SPDX-License-Identifier: Apache-2.0
// RoCE frames of a network in trouble, one pair of hosts for each trouble. For tests only.

import { type Addresses, ETHERTYPE, ethernet, ipv4, payloadOf, type Segment } from '../frames/frames.js';
import { type BthFields, congestionNotification, roceV2 } from '../roce/roce-frames.js';

const ECN = { ect0: 2, ce: 3 } as const;
/** The usual class, that of CNPs, and one that PFC does not protect. */
const DSCP = { usual: 26, cnp: 48, bestEffort: 0 } as const;
const WRITE_MIDDLE = 0x07;
const READ_REQUEST = 0x0c;
const ACKNOWLEDGE = 0x11;
/** Of an AETH: an RNR NAK whose timer is 655.36 ms, and NAKs. */
const SYNDROME = { rnrNak: 0x20, sequenceError: 0x60, invalidRequest: 0x61, accessError: 0x62 } as const;

/** Addresses of pair n, from its sender to its receiver. */
export function pairOf(n: number): Addresses {
  return { src: `10.50.${n}.1`, dst: `10.50.${n}.2` };
}

/** Sent again and again: all but the first round are duplicates, as their PSNs come again. */
export function roceTrouble(): Buffer[] {
  const steady = frames(60, pairOf(1), (i) => write({ destinationQp: 0x11, sequenceNumber: i }));
  return [
    ...steady,
    ...frames(10, back(pairOf(1)), () => congestionNotification(0x12), tos(DSCP.cnp, 0)),
    ...frames(10, pairOf(2), (i) => write({ destinationQp: 0x21, sequenceNumber: i })),
    ...frames(10, pairOf(2), (i) => write({ destinationQp: 0x21, sequenceNumber: 10 + i }), tos(26, ECN.ce)),
    ...frames(10, pairOf(3), () => acknowledge(SYNDROME.rnrNak)),
    ...Object.values(SYNDROME).flatMap((syndrome) => frames(5, pairOf(4), () => acknowledge(syndrome))),
    // As many queue pairs as hosts have at the least, all from one source port.
    ...frames(12, pairOf(5), (i) => write({ destinationQp: 0x50 + i, sequenceNumber: 1 })),
    ...frames(
      20,
      pairOf(6),
      (i) => write({ destinationQp: 0x61, sequenceNumber: i }),
      tos(DSCP.bestEffort, 2),
    ),
  ];
}

/** One READ of each of so many pairs of hosts: packets that no slot takes. */
export function manyPairs(pairs: number): Buffer[] {
  return Array.from({ length: pairs }, (_, n) => {
    const ends = { src: `10.60.${n >> 8}.${n & 255}`, dst: '10.60.255.1' };
    return frames(1, ends, () => roceV2({ opcode: READ_REQUEST, destinationQp: 0x100 + n }));
  }).flat();
}

function frames(
  count: number,
  ends: Addresses,
  segment: (i: number) => Segment,
  trafficClass: number = tos(DSCP.usual, ECN.ect0),
): Buffer[] {
  return Array.from({ length: count }, (_, i) =>
    ethernet(ETHERTYPE.ipv4, ipv4(ends, segment(i), { trafficClass })),
  );
}

function back({ src, dst }: Addresses): Addresses {
  return { src: dst, dst: src };
}

function write(fields: Omit<BthFields, 'opcode'>): Segment {
  return roceV2({ opcode: WRITE_MIDDLE, ...fields }, payloadOf(1024));
}

function acknowledge(syndrome: number): Segment {
  return roceV2({ opcode: ACKNOWLEDGE, destinationQp: 0x31, extended: { syndrome } });
}

function tos(dscp: number, ecn: number): number {
  return dscp * 4 + ecn;
}
