// SPDX-License-Identifier: Apache-2.0
// How frames start on a link of a given ARPHRD type (include/uapi/linux/if_arp.h). Pure.

import { FRAMING, type Framing } from '../abi/kinds.js';

const FRAMING_BY_LINK_TYPE: ReadonlyMap<number, Framing> = new Map([
  [1, FRAMING.ethernet], // ARPHRD_ETHER
  [772, FRAMING.ethernet], // ARPHRD_LOOPBACK: an Ethernet header of zero addresses
  [32, FRAMING.infiniband], // ARPHRD_INFINIBAND
  [65534, FRAMING.l3], // ARPHRD_NONE: tun, WireGuard
  [512, FRAMING.l3], // ARPHRD_PPP
  [519, FRAMING.l3], // ARPHRD_RAWIP: rmnet, QMI modems
  [768, FRAMING.l3], // ARPHRD_TUNNEL: ipip
  [769, FRAMING.l3], // ARPHRD_TUNNEL6
  [776, FRAMING.l3], // ARPHRD_SIT
  [778, FRAMING.l3], // ARPHRD_IPGRE
  [823, FRAMING.l3], // ARPHRD_IP6GRE
]);

/** A framing, or why there is none. */
export type FramingVerdict =
  | { readonly framing: Framing; readonly sentence?: never }
  | { readonly framing: undefined; readonly sentence: string };

/** @param linkType ARPHRD number of the interface. The sentence has no full stop. */
export function framingOf(linkType: number, interfaceName: string): FramingVerdict {
  const framing = FRAMING_BY_LINK_TYPE.get(linkType);
  if (framing !== undefined) return { framing };
  return {
    framing: undefined,
    sentence: `${interfaceName} has link type ${linkType} (ARPHRD), whose frames cannot be parsed: choose an Ethernet, InfiniBand (IPoIB) or IP tunnel interface`,
  };
}
