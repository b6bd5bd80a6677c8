// SPDX-License-Identifier: Apache-2.0
// The labels that tell hosts apart, at the end of every series that is one of a host's own.

import type { Labels } from './definition.js';

export interface HostIdentity {
  readonly hostIp: string;
  readonly collectAgg: string;
}

export const HOST_LABELS = ['host_ip', 'collect_agg'] as const;

/** In the order of HOST_LABELS. */
export function hostLabels({ hostIp, collectAgg }: HostIdentity): Labels {
  return [
    ['host_ip', hostIp],
    ['collect_agg', collectAgg],
  ];
}
