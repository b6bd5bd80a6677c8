// SPDX-License-Identifier: Apache-2.0
// The network interfaces whose frames one interface sees too: what a VLAN, bond, bridge or IPoIB child
// stands on, and what it is enslaved to. From <sysfs>/class/net, which shows the namespace of whoever
// mounted it. Knows nothing of RDMA.

import { basename, join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from './sysfs-files.js';

const LOWER_LINK = 'lower_';
/** ARPHRD_INFINIBAND of include/uapi/linux/if_arp.h. */
const LINK_TYPE_INFINIBAND = '32';

/** All names once: the interface itself, what is below it at any depth, then masters of these. */
export function readNetdevRelatives(
  { sysfsPath }: { readonly sysfsPath: string },
  interfaceName: string,
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): string[] {
  const folder = join(sysfsPath, 'class/net');
  const found = new Set([interfaceName]);
  for (const name of found) {
    for (const lower of lowersOf(folder, name, files)) found.add(lower); // visited in turn: a Set's loop sees them
  }
  // The RDMA device of a RoCE LAG names the bond, not its ports.
  for (const name of [...found]) {
    const master = files.linkName(join(folder, name, 'master'));
    if (master !== undefined) found.add(master);
  }
  return [...found];
}

function lowersOf(folder: string, name: string, files: SysfsFiles): string[] {
  const lowers = files
    .list(join(folder, name))
    .filter((file) => file.startsWith(LOWER_LINK))
    .map((file) => basename(file.slice(LOWER_LINK.length)));
  const parent = infinibandParentOf(folder, name, files);
  return parent === undefined ? lowers : [...lowers, parent];
}

/** An IPoIB child has no lower link; its iflink is its parent's index (ipoib_get_iflink() in ipoib_main.c). */
function infinibandParentOf(folder: string, name: string, files: SysfsFiles): string | undefined {
  const text = (of: string, file: string): string | undefined => files.read(join(folder, of, file)).text;
  if (text(name, 'type') !== LINK_TYPE_INFINIBAND) return undefined;
  const parentIndex = text(name, 'iflink');
  if (parentIndex === undefined || parentIndex === text(name, 'ifindex')) return undefined;
  return files.list(folder).find((other) => other !== name && text(other, 'ifindex') === parentIndex);
}
