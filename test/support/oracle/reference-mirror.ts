// SPDX-License-Identifier: Apache-2.0
// The reference parser's part for mirrored traffic: what a switch or another host copied here in GRE,
// plain or as ERSPAN of types I to III. See reference-parser.ts.

import type { LocatedPacket } from './reference-network.js';

const GRE = 47;

// First word of the header: RFC 2784 section 2.1, RFC 2890 section 2.
const CHECKSUM_PRESENT = 0x8000;
const KEY_PRESENT = 0x2000;
const SEQUENCE_PRESENT = 0x1000;
/**
 * Bits 1, 4 and 5 (RFC 1701's routing, strict source route and recursion) and the version: RFC 2784
 * sections 2.3 and 2.3.1 tell a receiver that does not implement them to discard the packet. Bits
 * 6-12 are to be ignored.
 */
const NOT_UNDERSTOOD = 0x4000 | 0x0800 | 0x0400 | 0x0007;

const ERSPAN = 0x88be;
const ERSPAN_III = 0x22eb;
/** Transparent Ethernet bridging, and what switches of Mellanox use for mirrors. */
const ETHERNET_IN_GRE: readonly number[] = [0x6558, 0x8949];

/** The Ethernet frame inside a mirrored packet, or undefined where there is none. */
export function innerFrame(frame: Buffer, outer: LocatedPacket): Buffer | undefined {
  if (outer.what !== 'ip' || outer.protocol !== GRE || outer.laterFragment) return undefined;
  const gre = frame.subarray(outer.start, outer.end);
  if (gre.length < 4) return undefined;
  const flags = gre.readUInt16BE(0);
  if ((flags & NOT_UNDERSTOOD) !== 0) return undefined;
  const optionalWords = [CHECKSUM_PRESENT, KEY_PRESENT, SEQUENCE_PRESENT].filter((bit) => flags & bit).length;
  const payload = gre.subarray(4 + 4 * optionalWords);
  const protocolType = gre.readUInt16BE(2);
  if (ETHERNET_IN_GRE.includes(protocolType)) return payload;
  switch (protocolType) {
    case ERSPAN: // type I has no sequence number and no header of its own, type II has both
      return payload.subarray((flags & SEQUENCE_PRESENT) === 0 ? 0 : 8);
    case ERSPAN_III: {
      if (payload.length < 12) return undefined;
      const hasPlatformSubheader = (payload.readUInt8(11) & 0x01) !== 0; // the O bit
      return payload.subarray(hasPlatformSubheader ? 20 : 12);
    }
    default:
      return undefined;
  }
}
