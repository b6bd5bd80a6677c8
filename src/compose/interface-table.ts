// SPDX-License-Identifier: Apache-2.0
// What --list prints, from this host.

import { networkInterfaces } from 'node:os';
import { openLibc } from '../kernel/ffi.js';
import { openNetdev } from '../kernel/netdev.js';
import { renderInterfaceList } from '../print/interface-list.js';
import { listInterfaces } from '../system/interfaces.js';
import { linkTypeName } from '../system/link-type.js';
import { namesOfPatterns } from './interface-meanings.js';

/** `only`: names and patterns; all interfaces where there are none. Throws KernelError. */
export function renderInterfaceTable(only: readonly string[] | undefined): string {
  const netdev = openNetdev(openLibc());
  try {
    const addresses = networkInterfaces();
    const wanted = only === undefined ? undefined : namesOfPatterns(only);
    const all = listInterfaces({ root: '/' }, { netdev });
    const shown = wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name));
    if (wanted !== undefined && shown.length === 0) return 'No network interface matches.\n';
    return renderInterfaceList(
      shown.map((one) => ({
        name: one.name,
        index: one.index,
        type: linkTypeName(one.linkType),
        mtu: one.mtuBytes,
        state: one.isUp ? 'up' : 'down',
        driver: one.driver,
        addresses: (addresses[one.name] ?? []).map((address) => address.cidr ?? address.address),
      })),
    );
  } finally {
    netdev.close();
  }
}
