// SPDX-License-Identifier: Apache-2.0
// The host's address as it changes: it may come seconds after the exporter (DHCP), or be replaced. Each
// change gives every series new labels, so one that does not last changes nothing.

import type { Clock } from '../clock.js';
import { findHostAddress, type HostAddress, type HostAddresses } from './host-ip.js';

export interface HostIpFollower {
  /** '' until there is an address. Changes in adopt() alone. */
  readonly current: string;
  /** Looks at the host's addresses, no more often than makes sense. Never throws. */
  look(): void;
  /** Makes current what is due by now; whether that changed it. */
  adopt(): boolean;
}

export interface HostIpParts {
  /** os.networkInterfaces(): one dump of links and one of addresses over netlink; 4 ms with 1,000 addresses. */
  readAddresses(): HostAddresses;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** While there is no address, the first one is wanted soon. */
const SEARCH_MS = 1000;
const LOOK_MS = 5000;
/** So long another address must have been the host's first one. */
const SETTLE_MS = 10_000;
/**
 * The same where the interface of the present address is down or gone, which a cable may be the reason of;
 * and after a change: addresses that come and go change the labels no more often than this.
 */
const PATIENCE_MS = 300_000;

export function createHostIpFollower(parts: HostIpParts): HostIpFollower {
  let current: HostAddress | undefined;
  let next: HostAddress | undefined;
  let nextSinceMs = 0;
  let isCurrentDown = false;
  let changedMs = Number.NEGATIVE_INFINITY;
  let lookedMs = Number.NEGATIVE_INFINITY;

  function isDue(): boolean {
    if (next === undefined) return false;
    if (current === undefined) return true;
    const nowMs = parts.clock.nowMs();
    const mustLast = isCurrentDown || nowMs - changedMs < PATIENCE_MS ? PATIENCE_MS : SETTLE_MS;
    return nowMs - nextSinceMs >= mustLast;
  }

  const follower = {
    get current() {
      return current?.address ?? '';
    },
    look() {
      const nowMs = parts.clock.nowMs();
      if (nowMs - lookedMs < (current === undefined ? SEARCH_MS : LOOK_MS)) return;
      lookedMs = nowMs;
      let addresses: HostAddresses;
      try {
        addresses = parts.readAddresses();
      } catch {
        return; // no socket to ask with: what was known stays, and the next look asks again
      }
      const found = findHostAddress(addresses);
      isCurrentDown = current !== undefined && addresses[current.interfaceName] === undefined;
      // An address that is merely gone stays the host's name until there is another.
      if (found === undefined || found.address === current?.address) next = undefined;
      else if (found.address !== next?.address) {
        next = found;
        nextSinceMs = nowMs;
      }
    },
    adopt() {
      if (!isDue()) return false;
      if (current !== undefined) changedMs = parts.clock.nowMs();
      current = next;
      next = undefined;
      return true;
    },
  };
  follower.look();
  follower.adopt();
  return follower;
}
