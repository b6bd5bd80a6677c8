// SPDX-License-Identifier: Apache-2.0
// Names of networks, wired as configured.

import { type Clock, systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import { flowDetail } from '../config/flow-labels.js';
import { hasNetworks } from '../config/network-rules.js';
import { ConfigError } from '../errors.js';
import type { NetworkBytes } from '../flows/network-bytes.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import { networkFamilies } from '../metrics/network-families.js';
import { followNetworks } from '../networks/follow-networks.js';
import type { FollowedNetworks } from '../networks/followed-networks.js';
import type { NetworkNames } from '../networks/network-names.js';

/** The same without a word to the log, loaded once. @throws as connectNetworks(). */
export async function loadNetworksOnce(config: Config): Promise<FollowedNetworks> {
  const silent = () => undefined;
  const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
  return connectNetworks(config, { log, clock: systemClock() });
}

/** @throws ConfigError (rejects) where the file cannot be read, or says what cannot be. */
export async function connectNetworks(
  { networks, flows, roce }: Config,
  parts: { readonly log: Logger; readonly clock: Clock; readonly names?: NetworkNames },
): Promise<FollowedNetworks> {
  const { srcNetwork, dstNetwork } = flowDetail(flows, roce.perQueuePair);
  const keptBits = { ipv4: flows.ipv4PrefixLength, ipv6: flows.ipv6PrefixLength };
  const followed = await followNetworks(networks, {
    ...parts,
    ...(srcNetwork || dstNetwork ? { keptBits } : {}),
  });
  if ('problem' in followed) throw new ConfigError([{ path: 'networks', message: followed.problem }]);
  return followed;
}

/** Nothing where no network has a name. */
export function networksShown(
  { networks, flows, roce }: Config,
  followed: FollowedNetworks,
  bytes: NetworkBytes,
): readonly Family[] {
  if (!hasNetworks(networks)) return [];
  const { srcNetwork, dstNetwork } = flowDetail(flows, roce.perQueuePair);
  const { src, dst } = bytes.imbalance;
  const imbalance = { src: srcNetwork ? src : undefined, dst: dstNetwork ? dst : undefined };
  return networkFamilies({ ...followed.stats, imbalance });
}
