// SPDX-License-Identifier: Apache-2.0
// The host as readings beside the refreshes go by it: what is watched there, and what it is called.

import type { Attachments } from '../attach/attachments.js';
import type { HostIdentity } from '../metrics/host-labels.js';
import type { FlowParts } from './connect-flows.js';
import type { LiveConfig } from './live-config.js';

/** All may change: it is read anew for each reading. */
export interface WatchedHost extends HostIdentity {
  readonly interfaces: readonly string[];
}

export interface WatchedHostParts extends Pick<FlowParts, 'hostIp'> {
  readonly live: LiveConfig;
  readonly attachments: Pick<Attachments, 'states'>;
}

export function watchedHost({ live, attachments, hostIp }: WatchedHostParts): WatchedHost {
  return {
    get interfaces() {
      return attachments.states.map(({ name }) => name);
    },
    get hostIp() {
      return hostIp.current;
    },
    get collectAgg() {
      return live.current.collectAgg;
    },
  };
}
