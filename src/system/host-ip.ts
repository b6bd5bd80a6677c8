// SPDX-License-Identifier: Apache-2.0
// The address that stands for this host in labels. Pure: the addresses are given.

import type { NetworkInterfaceInfo } from 'node:os';

/** What os.networkInterfaces() returns. */
export type HostAddresses = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

export interface HostAddress {
  readonly address: string;
  readonly interfaceName: string;
}

/** The first IPv4 address that is not loopback, else the first such global IPv6 address. */
export function findHostAddress(addresses: HostAddresses): HostAddress | undefined {
  const candidates = Object.entries(addresses)
    .flatMap(([interfaceName, list]) => (list ?? []).map((info) => ({ ...info, interfaceName })))
    .filter((candidate) => !candidate.internal);
  return (
    candidates.find((candidate) => candidate.family === 'IPv4') ??
    candidates.find((candidate) => candidate.family === 'IPv6' && !isLinkLocal6(candidate.address))
  );
}

/** The same among those of one interface, loopback ones included: it was named. */
export function findInterfaceAddress(
  addresses: HostAddresses,
  interfaceName: string,
): HostAddress | undefined {
  const own = (addresses[interfaceName] ?? []).map((info) => ({ ...info, internal: false }));
  return findHostAddress({ [interfaceName]: own });
}

/** The same, '' where there is none. */
export function chooseHostIp(addresses: HostAddresses): string {
  return findHostAddress(addresses)?.address ?? '';
}

/** fe80::/10. */
function isLinkLocal6(address: string): boolean {
  const firstGroup = Number.parseInt(address.split(':')[0] ?? '', 16);
  return (firstGroup & 0xffc0) === 0xfe80;
}
