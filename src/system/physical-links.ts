// SPDX-License-Identifier: Apache-2.0
// Which links are hardware that packets come in by, and which of them would show XDP packets that another link
// shows it, too. Pure: the links are given.

import type { RouteLink } from '../kernel/route-messages.js';
import { framingOf } from './framing.js';

/** ARPHRD_LOOPBACK and ARPHRD_INFINIBAND of include/uapi/linux/if_arp.h. */
const LINK_TYPE_LOOPBACK = 772;
const LINK_TYPE_INFINIBAND = 32;
/**
 * Ports of a switch in the NIC that stand for another's function, as devlink_port_phys_port_name_get() in the
 * kernel's net/devlink/port.c names them: what they carry passes the uplink or the function itself.
 */
const REPRESENTOR = /^(?:c\d+)?pf\d+(?:[vs]f\d+)?$/;

export type Links = ReadonlyMap<number, RouteLink>;

/** Whether a device on a bus is behind it, and not one of another link's; of a type whose frames we can parse. */
export function isPhysicalLink(link: RouteLink): boolean {
  return (
    link.parentDevice !== undefined &&
    link.linkType !== LINK_TYPE_LOOPBACK &&
    framingOf(link.linkType, link.name).framing !== undefined &&
    !REPRESENTOR.test(link.physicalPortName ?? '')
  );
}

/** A link that is to be left out, and the one that shows its packets. */
export interface LeftOut {
  readonly link: RouteLink;
  readonly because: RouteLink;
}

/**
 * Of candidates those that show XDP no packet that one of `taken`, or another of them, shows it. Of two
 * candidates a port gives way to its master, whose driver runs the program on its ports, and what stands on
 * another link to that.
 */
export function withoutRelatives(
  candidates: readonly RouteLink[],
  taken: readonly RouteLink[],
  links: Links,
): { readonly kept: readonly RouteLink[]; readonly leftOut: readonly LeftOut[] } {
  const leftOut: LeftOut[] = [];
  const belowTaken = taken.map((link) => ({ link, below: belowOf(links, link) }));
  const kept = candidates.filter((link) => {
    const below = belowOf(links, link);
    const because =
      belowTaken.find((one) => one.below.has(link.index))?.link ??
      taken.find(({ index }) => below.has(index)) ??
      candidates.find((other) => other.index === link.masterIndex && other !== link) ??
      candidates.find((other) => other !== link && standsOn(links, link).includes(other.index));
    if (because !== undefined) leftOut.push({ link, because });
    return because === undefined;
  });
  return { kept, leftOut };
}

/** What a link stands on, and the ports of that and of itself, at any depth. */
function belowOf(links: Links, link: RouteLink): ReadonlySet<number> {
  const below = new Set<number>();
  const open = [link.index];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const next = standsOn(links, links.get(index));
    for (const other of links.values()) if (other.masterIndex === index) next.push(other.index);
    for (const one of next) {
      if (one === link.index || below.has(one)) continue;
      below.add(one);
      open.push(one);
    }
  }
  return below;
}

/** An IPoIB child has a partition of its own, whose packets its parent does not show. */
function standsOn(links: Links, link: RouteLink | undefined): number[] {
  if (link === undefined || link.linkType === LINK_TYPE_INFINIBAND || !links.has(link.lowerIndex)) return [];
  return [link.lowerIndex];
}
