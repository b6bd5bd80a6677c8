// SPDX-License-Identifier: Apache-2.0
// Which interface stands for "none was named": eth0, or where there is none that of the default route.

import type { ChosenInterface } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import type { Netdev } from '../kernel/netdev.js';
import { readDefaultRouteInterface } from '../system/default-route.js';

/**
 * What to choose, asked anew with each call; undefined where neither is there. There is no choice where
 * the operator named interfaces. Calls throw KernelError.
 */
export function createInterfaceChoice(
  config: Config,
  parts: { readonly netdev: Netdev },
): (() => ChosenInterface | undefined) | undefined {
  const [usual] = config.interfaces;
  if (config.interfacesGiven || usual === undefined) return undefined;
  return () => {
    if (parts.netdev.read(usual) !== undefined) {
      return { name: usual, reason: `no interface was named: using ${usual}` };
    }
    const name = readDefaultRouteInterface({ root: '/' });
    if (name === undefined) return undefined;
    const reason = `no interface was named and there is no ${usual}: using ${name} of the default route`;
    return { name, reason };
  };
}
