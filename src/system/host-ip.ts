// SPDX-License-Identifier: Apache-2.0
// The address that stands for this host in labels. Pure: the addresses are given.

import type { NetworkInterfaceInfo } from 'node:os';

/** What os.networkInterfaces() returns. */
export type HostAddresses = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** The first IPv4 address that is not loopback, else the first such global IPv6 address, else ''. */
export function chooseHostIp(addresses: HostAddresses): string {
  const candidates = Object.values(addresses)
    .flatMap((list) => list ?? [])
    .filter((candidate) => !candidate.internal);
  const found =
    candidates.find((candidate) => candidate.family === 'IPv4') ??
    candidates.find((candidate) => candidate.family === 'IPv6' && !isLinkLocal6(candidate.address));
  return found?.address ?? '';
}

/** fe80::/10. */
function isLinkLocal6(address: string): boolean {
  const firstGroup = Number.parseInt(address.split(':')[0] ?? '', 16);
  return (firstGroup & 0xffc0) === 0xfe80;
}
