// SPDX-License-Identifier: Apache-2.0
// Which interface stands for "none was named": eth0, or where there is none that of the default route. And
// which the operator's patterns mean.

import type { ChosenInterface, MeantInterfaces } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import { hasPatterns, type InterfacePatterns, parseInterfacePatterns } from '../interface-patterns.js';
import type { Netdev } from '../kernel/netdev.js';
import { readDefaultRouteInterface } from '../system/default-route.js';
import type { LinkTable } from '../system/link-table.js';
import { type InterfaceMatches, selectInterfaces } from '../system/select-interfaces.js';

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

/** Looks anew where links have changed since the last call. */
export function createMatchReader(
  patterns: InterfacePatterns,
  table: Pick<LinkTable, 'links' | 'changes'>,
): (isAttached: (name: string) => boolean) => InterfaceMatches | undefined {
  let seen = -1;
  return (isAttached) => {
    if (seen === table.changes) return undefined;
    seen = table.changes;
    return selectInterfaces(patterns, table.links, { isAttached });
  };
}

/** What a configuration asks for: names, choice and patterns. */
export function interfacesMeant(
  config: Config,
  parts: { readonly netdev: Netdev; readonly linkTable: Pick<LinkTable, 'links' | 'changes'> },
): MeantInterfaces {
  const patterns = parseInterfacePatterns(config.interfaces);
  const chooseInterface = createInterfaceChoice(config, parts);
  return {
    names: patterns.names,
    ...(chooseInterface === undefined ? {} : { chooseInterface }),
    ...(hasPatterns(patterns) ? { readMatches: createMatchReader(patterns, parts.linkTable) } : {}),
  };
}
