// SPDX-License-Identifier: Apache-2.0
// Links as rtnetlink would tell them. For tests only.

import type { RouteLink } from '../../../src/kernel/route-messages.js';

/** A virtual Ethernet device that is up, unless told otherwise. */
export function link(index: number, name: string, rest: Partial<RouteLink> = {}): RouteLink {
  return {
    index,
    name,
    linkType: 1,
    flags: 1,
    isUp: true,
    lowerIndex: 0,
    masterIndex: 0,
    parentDevice: undefined,
    physicalPortName: undefined,
    ...rest,
  };
}

/** The interface of a device on a bus. */
export function physical(index: number, name: string, rest: Partial<RouteLink> = {}): RouteLink {
  return link(index, name, { parentDevice: `0000:00:${index}.0`, ...rest });
}
