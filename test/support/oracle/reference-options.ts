// SPDX-License-Identifier: Apache-2.0
// What struct options makes of a parsed key: the second half of the law that tests hold the BPF
// programs to. See reference-parser.ts.

import { type Framing, KIND } from '../../../src/abi/kinds.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../../../src/abi/layout.js';
import { formatAddress, parseAddress } from '../frames/addresses.js';
import type { ParsedFrame } from './reference-parser.js';

export interface ReferenceOptions {
  /** By framing: bit n = kind n keeps what identifies the flow. */
  readonly kindsWanted: readonly [number, number, number];
  /** FLOW_KEY4.size bytes. */
  readonly mask4: Uint8Array;
  /** FLOW_KEY6.size bytes. */
  readonly mask6: Uint8Array;
  /** Whose ports are left out as clients': those in the range that are not on the list. */
  readonly folding?: { readonly first: number; readonly last: number; readonly services: readonly number[] };
}

/** What a port stands as in the key, beside the other one. */
export function foldedPort(port: number, other: number, folding: ReferenceOptions['folding']): number {
  if (folding === undefined) return port;
  const { first, last, services } = folding;
  const isClients = (one: number): boolean => one >= first && one <= last && !services.includes(one);
  if (!isClients(port)) return port;
  return isClients(other) && other > port ? port : 0;
}

/** The key as it is counted under these options. */
export function applyOptions(key: ParsedFrame, framing: Framing, options: ReferenceOptions): ParsedFrame {
  const { kindsWanted } = options;
  // The reason of a frame without a flow is kept always: reasons are few, and none fills a map.
  const reasoned = key.kind === KIND.nonIp || key.kind === KIND.malformed;
  if (!reasoned && (((kindsWanted[framing] ?? 0) >>> key.kind) & 1) === 0) {
    const nowhere = formatAddress(new Uint8Array(key.ipVersion === 4 ? 4 : 16));
    const nothing = { srcPort: 0, dstPort: 0, protocol: 0, vlan: 0, qp: 0 };
    return { ipVersion: key.ipVersion, srcIp: nowhere, dstIp: nowhere, ...nothing, kind: key.kind };
  }
  const [layout, maskBytes] = key.ipVersion === 4 ? [FLOW_KEY4, options.mask4] : [FLOW_KEY6, options.mask6];
  const mask = Buffer.from(maskBytes);
  const address = (text: string, offset: number): string =>
    formatAddress(parseAddress(text).map((byte, i) => byte & mask.readUInt8(offset + i)));
  return {
    ipVersion: key.ipVersion,
    srcIp: address(key.srcIp, layout.srcIp),
    dstIp: address(key.dstIp, layout.dstIp),
    srcPort: foldedPort(key.srcPort, key.dstPort, options.folding) & mask.readUInt16LE(layout.srcPort),
    dstPort: foldedPort(key.dstPort, key.srcPort, options.folding) & mask.readUInt16LE(layout.dstPort),
    protocol: key.protocol & mask.readUInt8(layout.protocol),
    kind: key.kind & mask.readUInt8(layout.kind),
    vlan: key.vlan & mask.readUInt16LE(layout.vlan),
    qp: key.qp & mask.readUIntLE(layout.qp, 3),
    ...dscpUnder(key, mask.readUInt8(layout.qp + 3)),
  };
}

function dscpUnder(key: ParsedFrame, mask: number): { dscp?: number } {
  const dscp = (key.dscp ?? 0) & mask;
  return dscp === 0 ? {} : { dscp };
}
