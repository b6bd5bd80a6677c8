// SPDX-License-Identifier: Apache-2.0
// Networks and addresses for tests: as text, as numbers, and as flow rows have them.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseCidr } from '../../../src/cidr.js';
import { type LoadedNetworks, loadNetworks } from '../../../src/networks/load-networks.js';
import { NetworkNames } from '../../../src/networks/network-names.js';
import { PrefixList } from '../../../src/networks/prefix-list.js';
import { Pacer } from '../../../src/pacer.js';

export interface Named {
  readonly cidr: string;
  readonly name: string;
}

export const eventLoopPacer = (): Pacer => new Pacer(() => nextTurn());

/** Line numbers are those of the list, from 1. */
export function listOf(networks: readonly Named[]): PrefixList {
  const list = new PrefixList(networks.length);
  networks.forEach(({ cidr: text, name }, i) => {
    const cidr = parseCidr(text);
    if ('problem' in cidr) throw new Error(`${text} ${cidr.problem}`);
    list.add(cidr, name, i + 1);
  });
  return list;
}

export async function tableOf(
  networks: readonly Named[],
  names = new NetworkNames(),
): Promise<LoadedNetworks & { nameOf(this: void, address: string): string }> {
  const loaded = await loadNetworks(listOf(networks), names, eventLoopPacer());
  if ('problem' in loaded) throw new Error(loaded.problem);
  const nameOf = (address: string): string => {
    const words = rowWords(address);
    const number =
      words.length === 1 ? loaded.table.numberOf4(words[0] ?? 0) : loaded.table.numberOf6(words, 0);
    return names.nameOf(number);
  };
  return { ...loaded, nameOf };
}

/** One word, or four: bytes in wire order, read by a little endian machine. */
export function rowWords(address: string): Uint32Array {
  const cidr = parseCidr(address);
  if ('problem' in cidr) throw new Error(`${address} ${cidr.problem}`);
  const bytes = Buffer.alloc(4 * cidr.words.length);
  cidr.words.forEach((word, i) => {
    bytes.writeUInt32BE(word, 4 * i);
  });
  return Uint32Array.from(cidr.words, (_, i) => bytes.readUInt32LE(4 * i));
}
