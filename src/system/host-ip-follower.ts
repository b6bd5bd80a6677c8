// SPDX-License-Identifier: Apache-2.0
// The host's address as it changes: it may come seconds after the exporter (DHCP), or be replaced. Each
// change ends every series that has it, so one that does not last changes nothing.

import type { Clock } from '../clock.js';
import { findHostAddress, findInterfaceAddress, type HostAddress, type HostAddresses } from './host-ip.js';

export interface HostIpFollower {
  /** '' until there is an address. Changes in adopt() alone. */
  readonly current: string;
  /** Looks at the host's addresses, no more often than makes sense. Never throws. */
  look(): void;
  /** Whether adopt() would change it. */
  readonly isDue: boolean;
  /** Makes current what is due by now; whether that changed it. */
  adopt(): boolean;
}

export interface HostIpParts {
  /** os.networkInterfaces(): one dump of links and one of addresses over netlink; 4 ms with 1,000 addresses. */
  readAddresses(): HostAddresses;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Whether addresses may have changed since the last call; unless told, they are looked at every LOOK_MS. */
  takeChange?(): boolean;
}

/** Which address stands for the host. */
export type HostIpSource =
  | { readonly kind: 'auto' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string };

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

export function createHostIpFollower(
  parts: HostIpParts,
  source: HostIpSource = { kind: 'auto' },
): HostIpFollower {
  if (source.kind === 'address') {
    return { current: source.address, isDue: false, look: () => undefined, adopt: () => false };
  }
  let current: HostAddress | undefined;
  let next: HostAddress | undefined;
  let nextSinceMs = 0;
  let isCurrentDown = false;
  let changedMs = Number.NEGATIVE_INFINITY;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let mayHaveChanged = true;

  function find(addresses: HostAddresses): HostAddress | undefined {
    return source.kind === 'interface'
      ? findInterfaceAddress(addresses, source.name)
      : findHostAddress(addresses);
  }

  /** A container's start brings a dozen events: a look is taken once a second at most. */
  function isLookDue(nowMs: number): boolean {
    if (parts.takeChange === undefined) {
      return nowMs - lookedMs >= (current === undefined ? SEARCH_MS : LOOK_MS);
    }
    if (parts.takeChange()) mayHaveChanged = true;
    return mayHaveChanged && nowMs - lookedMs >= SEARCH_MS;
  }

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
      if (!isLookDue(nowMs)) return;
      lookedMs = nowMs;
      let addresses: HostAddresses;
      try {
        addresses = parts.readAddresses();
      } catch {
        return; // no socket to ask with: what was known stays, and the next look asks again
      }
      mayHaveChanged = false;
      const found = find(addresses);
      isCurrentDown = current !== undefined && addresses[current.interfaceName] === undefined;
      // An address that is merely gone stays the host's name until there is another.
      if (found === undefined || found.address === current?.address) next = undefined;
      else if (found.address !== next?.address) {
        next = found;
        nextSinceMs = nowMs;
      }
    },
    get isDue() {
      return isDue();
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
