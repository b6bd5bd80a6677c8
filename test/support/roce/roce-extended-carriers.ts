// SPDX-License-Identifier: Apache-2.0
// Further ways for RoCE v2 to travel: behind every IPv6 extension header, behind IPv4 options, and as the
// first fragment of a datagram. See roce-count-parts.ts.

import {
  authentication,
  ETHERTYPE,
  type Extension,
  ethernet,
  extension,
  fragmentHeader,
  type Ipv4Options,
  ipv4,
  ipv6,
} from '../frames/frames.js';
import { ENDS4, ENDS6 } from '../frames/vector-parts.js';
import { type Carrier, STREAM4, STREAM6 } from './roce-count-parts.js';
import { roceV2 } from './roce-frames.js';

/** Each of them alone, and some together. A packet behind these is whole. */
export const EXTENSION_CHAINS: Readonly<Record<string, readonly Extension[]>> = {
  'hop-by-hop options': [extension(0)],
  'a routing header': [extension(43, 3)],
  'an atomic fragment header': [fragmentHeader(0, false)],
  'an authentication header': [authentication()],
  'destination options': [extension(60)],
  'a mobility header': [extension(135, 2)],
  'a HIP header': [extension(139)],
  'a shim6 header': [extension(140)],
  'hop-by-hop options, an atomic fragment header and destination options': [
    extension(0, 2),
    fragmentHeader(0, false),
    extension(60, 2),
  ],
};

function behind(name: string, extensions: readonly Extension[]): Carrier {
  const bytes = extensions.reduce((sum, one) => sum + one.bytes.length, 0);
  return {
    name: `v2 over IPv6 behind ${name}`,
    key: STREAM6,
    headerBytes: 62 + bytes,
    frame: (fields, payload, trafficClass = 0) =>
      ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, roceV2(fields, payload), { trafficClass, extensions })),
  };
}

function over4With(name: string, given: Ipv4Options): Carrier {
  return {
    name: `v2 over IPv4 ${name}`,
    key: STREAM4,
    headerBytes: 42 + (given.options?.length ?? 0),
    frame: (fields, payload, trafficClass = 0) =>
      ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, roceV2(fields, payload), { ...given, trafficClass })),
  };
}

/** Of whole packets. */
export const EXTENDED_CARRIERS: readonly Carrier[] = [
  ...Object.entries(EXTENSION_CHAINS).map(([name, extensions]) => behind(name, extensions)),
  over4With('with options', { options: Buffer.alloc(12, 1) }),
];

/** Of datagrams that go on in another packet. */
export const FIRST_FRAGMENT_CARRIERS: readonly Carrier[] = [
  over4With('in a first fragment', { moreFragments: true }),
  over4With('with options in a first fragment', { options: Buffer.alloc(8, 1), moreFragments: true }),
  behind('the header of a first fragment', [fragmentHeader(0, true)]),
  behind('destination options and the header of a first fragment', [extension(60), fragmentHeader(0, true)]),
];
