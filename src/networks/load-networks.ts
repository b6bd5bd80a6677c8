// SPDX-License-Identifier: Apache-2.0
// From networks as they were read to the table of a process: sorted, checked, numbered, built.

import type { Pacer } from '../pacer.js';
import type { NetworksParts } from './followed-networks.js';
import { type NetworkNames, OTHER_NETWORK } from './network-names.js';
import { createNetworkTable, longestBits, mappedColumns, type NetworkTable } from './network-table.js';
import type { PrefixList } from './prefix-list.js';
import { findTwoNames, sortPrefixes } from './sort-prefixes.js';

export interface LoadedNetworks {
  readonly table: NetworkTable;
  /** Different ones. */
  readonly names: number;
  /** Of them, those that show as "other", as the process has no number left for them. */
  readonly namesBeyond: number;
}

/** Of one name, which is kept. */
const NAME_STEP_NS = 300;

/** Names get their numbers only when nothing is wrong. */
export async function loadNetworks(
  list: PrefixList,
  names: NetworkNames,
  pacer: Pacer,
  keptBits: NetworksParts['keptBits'] = { ipv4: 32, ipv6: 128 },
): Promise<LoadedNetworks | { readonly problem: string }> {
  const v4 = await sortPrefixes(list.v4, pacer);
  const v6 = await sortPrefixes(list.v6, pacer);
  const problem =
    (await findTwoNames(list, list.v4, v4, pacer)) ?? (await findTwoNames(list, list.v6, v6, pacer));
  if (problem !== undefined) return { problem };
  for (const [most, columns, key] of [
    [keptBits.ipv4, list.v4, 'ipv4_prefix_length'],
    [keptBits.ipv6, list.v6, 'ipv6_prefix_length'],
  ] as const) {
    const longest = await longestBits(columns, pacer);
    if (longest > most) {
      return {
        problem: `there are networks of ${longest} bits, but flows.${key} ${most} leaves no more than that of addresses: raise it, or name shorter networks`,
      };
    }
  }
  const columns = await mappedColumns(list, pacer);
  const mapped = await sortPrefixes(columns, pacer);

  const numbers = new Uint16Array(list.names.length);
  let namesBeyond = 0;
  await pacer.run(numbers.length, NAME_STEP_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const name = list.names[i] ?? '';
      numbers[i] = names.numberOf(name);
      if (numbers[i] === OTHER_NETWORK && names.nameOf(OTHER_NETWORK) !== name) namesBeyond++;
    }
  });
  const table = await createNetworkTable(list, columns, { v4, v6, mapped }, numbers, pacer);
  return { table, names: numbers.length, namesBeyond };
}
