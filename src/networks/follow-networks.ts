// SPDX-License-Identifier: Apache-2.0
// The networks that a process works with: those of its configuration, or those of a file, loaded again when
// the file has changed. What is wrong with a new file is told once, and the networks before it stay.

import { parseCidr } from '../cidr.js';
import { Pacer } from '../pacer.js';
import { FileFollower } from './file-follower.js';
import type { FollowedNetworks, NetworksParts } from './followed-networks.js';
import { type LoadedNetworks, loadNetworks } from './load-networks.js';
import { NetworkNames } from './network-names.js';
import { PrefixList } from './prefix-list.js';

export type NetworksSource =
  /** An absolute path. */
  | { readonly file: string }
  /** Valid, each once. */
  | {
      readonly networks: readonly {
        readonly address: string;
        readonly bits: number;
        readonly name: string;
      }[];
    };

/** Loads once. What is wrong is one sentence, that names the file. */
export async function followNetworks(
  source: NetworksSource,
  parts: NetworksParts,
): Promise<FollowedNetworks | { readonly problem: string }> {
  if ('networks' in source) return keepNetworks(source.networks, parts);
  const follower = new FileFollower(source.file, parts);
  const problem = await follower.loadFirst();
  return problem === undefined ? follower : { problem };
}

async function keepNetworks(
  networks: Extract<NetworksSource, { networks: unknown }>['networks'],
  { clock, keptBits, names = new NetworkNames() }: NetworksParts,
): Promise<FollowedNetworks | { readonly problem: string }> {
  const list = new PrefixList(networks.length);
  for (const { address, bits, name } of networks) {
    const cidr = parseCidr(`${address}/${bits}`);
    if ('problem' in cidr) return { problem: `${address}/${bits} ${cidr.problem}` };
    list.add(cidr, name);
  }
  const loaded = await loadNetworks(list, names, new Pacer(clock.yieldToLoop), keptBits);
  return 'problem' in loaded ? loaded : fixedNetworks(loaded, names, clock.wallMs());
}

function fixedNetworks(loaded: LoadedNetworks, names: NetworkNames, nowMs: number): FollowedNetworks {
  return {
    current: loaded.table,
    names,
    stats: {
      loadsSucceeded: 1,
      loadsFailed: 0,
      prefixes: loaded.table.prefixes,
      names: loaded.names,
      namesBeyond: loaded.namesBeyond,
      isLastLoadSuccessful: true,
      lastSuccessMs: nowMs,
    },
    look: async () => undefined,
    adopt: () => false,
    stop: () => undefined,
  };
}
