// SPDX-License-Identifier: Apache-2.0
// What --list prints, from this host.

import { networkInterfaces } from 'node:os';
import { openLibc } from '../kernel/ffi.js';
import { openNetdev } from '../kernel/netdev.js';
import { renderInterfaceList } from '../print/interface-list.js';
import { listInterfaces } from '../system/interfaces.js';
import { linkTypeName } from '../system/link-type.js';

/** Throws KernelError. */
export function renderInterfaceTable(): string {
  const netdev = openNetdev(openLibc());
  try {
    const addresses = networkInterfaces();
    return renderInterfaceList(
      listInterfaces({ root: '/' }, { netdev }).map((one) => ({
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
