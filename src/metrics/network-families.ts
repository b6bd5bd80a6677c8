// SPDX-License-Identifier: Apache-2.0
// What is known of named networks. These metrics exist where networks have names.

import { type Family, familiesOf, type Metric, sample } from './definition.js';

export interface NetworkView {
  readonly prefixes: number;
  readonly isLastLoadSuccessful: boolean;
  /** Wall clock. */
  readonly lastSuccessMs: number;
  /** How evenly bytes spread; a side is undefined where flows do not show its network. */
  readonly imbalance: { readonly src: number | undefined; readonly dst: number | undefined };
}

export const NETWORK_METRICS: readonly Metric<NetworkView>[] = [
  gauge(
    'xtrace_networks_prefixes',
    'Networks that have names (networks), of all names and both IP versions.',
    ({ prefixes }) => prefixes,
  ),
  gauge(
    'xtrace_networks_last_reload_successful',
    'Whether the file of networks, as it is now, could be loaded (1) or not (0): those loaded before stay. Always 1 where the configuration itself has them.',
    ({ isLastLoadSuccessful }) => (isLastLoadSuccessful ? 1 : 0),
  ),
  gauge(
    'xtrace_networks_last_reload_success_timestamp_seconds',
    'Unix time at which networks were last loaded; that of the start where the configuration itself has them.',
    ({ lastSuccessMs }) => lastSuccessMs / 1000,
  ),
  {
    definition: {
      name: 'xtrace_network_imbalance_ratio',
      help: 'How unevenly the bytes of the last refresh interval spread over networks: those of the busiest one over the mean of all in use that have carried any. 1 is even, N means that one of N carried all, 0 that none did. Addresses without a network are left out.',
      type: 'gauge',
      labels: ['by'],
    },
    samples: ({ imbalance: { src, dst } }) => [
      ...(src === undefined ? [] : [sample([['by', 'src_network']], src)]),
      ...(dst === undefined ? [] : [sample([['by', 'dst_network']], dst)]),
    ],
  },
];

/** In the order of NETWORK_METRICS. */
export function networkFamilies(view: NetworkView): Family[] {
  return familiesOf(NETWORK_METRICS, view);
}

function gauge(name: string, help: string, read: (view: NetworkView) => number): Metric<NetworkView> {
  return {
    definition: { name, help, type: 'gauge', labels: [] },
    samples: (view) => [sample([], read(view))],
  };
}
