// SPDX-License-Identifier: Apache-2.0
// Mirrored frames for tests: an Ethernet frame in GRE, plain or as ERSPAN of types I to III
// (draft-foschiano-erspan). For an IP header of frames.ts.

import { PROTOCOL, type Segment, u16 } from './frames.js';

/** Protocol types of GRE that carry an Ethernet frame. */
export const GRE_TYPE = { erspan: 0x88be, erspan3: 0x22eb, ethernet: 0x6558, mellanox: 0x8949 } as const;

export interface GreOptions {
  readonly withChecksum?: boolean;
  readonly withKey?: boolean;
  readonly withSequence?: boolean;
  /** Further bits of the first word: routing, reserved bits, version. */
  readonly flags?: number;
}

/** RFC 2784 and 2890. The checksum is not a true one: nobody here checks it. */
export function gre(protocolType: number, payload: Buffer, options: GreOptions = {}): Segment {
  const { withChecksum = false, withKey = false, withSequence = false, flags = 0 } = options;
  const present = (withChecksum ? 0x8000 : 0) | (withKey ? 0x2000 : 0) | (withSequence ? 0x1000 : 0);
  const bytes = Buffer.concat([
    u16(present | flags, protocolType),
    withChecksum ? u16(0x1234, 0) : Buffer.alloc(0),
    withKey ? u16(0x4567, 0x89ab) : Buffer.alloc(0),
    withSequence ? u16(0, 0x0102) : Buffer.alloc(0),
    payload,
  ]);
  return { protocol: PROTOCOL.gre, bytes };
}

/** The frame right behind 4 bytes of GRE. */
export function erspan1(frame: Buffer, options: GreOptions = {}): Segment {
  return gre(GRE_TYPE.erspan, frame, options);
}

/** Version 1, VLAN 100, session 42, index 0x123; with a sequence number in GRE. */
export function erspan2(frame: Buffer, options: GreOptions = {}): Segment {
  const header = u16(0x1000 | 100, 42, 0, 0x123);
  return gre(GRE_TYPE.erspan, Buffer.concat([header, frame]), { withSequence: true, ...options });
}

/** Version 2, with a timestamp, and on demand with a platform-specific subheader. */
export function erspan3(frame: Buffer, withSubheader = false, options: GreOptions = {}): Segment {
  const header = u16(0x2000 | 100, 42, 0xfeed, 0xf00d, 0x0007, withSubheader ? 1 : 0);
  const subheader = withSubheader ? u16(0x0c00, 0x0102, 0x0304, 0x0506) : Buffer.alloc(0);
  return gre(GRE_TYPE.erspan3, Buffer.concat([header, subheader, frame]), { withSequence: true, ...options });
}
