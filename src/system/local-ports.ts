// SPDX-License-Identifier: Apache-2.0
// The ports that the kernel of this host, in this network namespace, gives to clients.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from './sysfs-files.js';

/** What Linux has unless told otherwise (Documentation/networking/ip-sysctl.rst). */
const LINUX_RANGE = { first: 32_768, last: 60_999 } as const;

/** net.ipv4.ip_local_port_range, which goes for IPv6 too; Linux's own where that cannot be read. */
export function readLocalPorts(
  { root }: { readonly root: string },
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): { readonly first: number; readonly last: number } {
  const { text = '' } = files.read(join(root, 'proc/sys/net/ipv4/ip_local_port_range'));
  const [, first, last] = /^(\d{1,5})\s+(\d{1,5})$/.exec(text.trim()) ?? [];
  const range = { first: Number(first), last: Number(last) };
  return range.first >= 1 && range.first <= range.last && range.last <= 65_535 ? range : LINUX_RANGE;
}
