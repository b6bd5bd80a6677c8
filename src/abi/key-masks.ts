// SPDX-License-Identifier: Apache-2.0
// The load-time masks of struct options: what of a key is kept. A field that no label shows is
// zeroed in the kernel, so that flows which differ in nothing else are one entry there already.

import { DSCP_BYTE, FLOW_KEY4, FLOW_KEY6 } from './layout.js';

export interface KeyDetail {
  readonly srcIp: boolean;
  readonly dstIp: boolean;
  readonly srcPort: boolean;
  readonly dstPort: boolean;
  readonly vlan: boolean;
  readonly dscp: boolean;
  /** RoCE destination queue pair. */
  readonly queuePair: boolean;
  /** Leading address bits kept: 0-32 and 0-128. */
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

export interface KeyMasks {
  /** As struct flow_key4 and flow_key6: a set bit is kept. */
  readonly mask4: Uint8Array;
  readonly mask6: Uint8Array;
}

type Layout = typeof FLOW_KEY4 | typeof FLOW_KEY6;

export function createKeyMasks(detail: KeyDetail): KeyMasks {
  return {
    mask4: createMask(FLOW_KEY4, detail.ipv4PrefixLength, detail),
    mask6: createMask(FLOW_KEY6, detail.ipv6PrefixLength, detail),
  };
}

function createMask(layout: Layout, prefixLength: number, detail: KeyDetail): Uint8Array {
  const mask = new Uint8Array(layout.size).fill(0xff);
  const addresses = [
    [layout.srcIp, detail.srcIp ? prefixLength : 0],
    [layout.dstIp, detail.dstIp ? prefixLength : 0],
  ] as const;
  for (const [address, kept] of addresses) {
    for (let byte = 0; byte < layout.dstIp; byte++) {
      const bits = Math.max(0, Math.min(8, kept - 8 * byte));
      mask[address + byte] = (0xff << (8 - bits)) & 0xff;
    }
  }
  if (!detail.srcPort) {
    mask.fill(0, layout.srcPort, layout.srcPort + 2);
  }
  if (!detail.dstPort) {
    mask.fill(0, layout.dstPort, layout.dstPort + 2);
  }
  if (!detail.vlan) {
    mask.fill(0, layout.vlan, layout.vlan + 2);
  }
  if (!detail.queuePair) {
    mask.fill(0, layout.qp, layout.qp + DSCP_BYTE);
  }
  if (!detail.dscp) {
    mask[layout.qp + DSCP_BYTE] = 0;
  }
  return mask;
}
