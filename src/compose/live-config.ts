// SPDX-License-Identifier: Apache-2.0
// The configuration in force, for parts that ask it each time.

import type { Config } from '../config/config.js';
import type { ScrapersOptions } from '../http/scrapers.js';
import type { FlowParts } from './connect-flows.js';
import type { SnapshotOptions } from './snapshot.js';

/** What the exporter runs with now: between two refreshes it may become another one. */
export interface LiveConfig {
  current: Config;
  /** The last one that all parts have taken over. */
  whole: Config;
}

export function flowPartsOf(live: LiveConfig, parts: Omit<FlowParts, 'config'>): FlowParts {
  return {
    get config() {
      return live.current;
    },
    ...parts,
  };
}

export function scrapersOptions(live: LiveConfig): ScrapersOptions {
  return {
    get maxIntervalMs() {
      return live.current.flows.holdMaxMs;
    },
  };
}

export function snapshotOptions(live: LiveConfig, hostIp: SnapshotOptions['hostIp']): SnapshotOptions {
  return {
    hostIp,
    get collectAgg() {
      return live.current.collectAgg;
    },
    get flowGauges() {
      return live.current.flows.gauges;
    },
  };
}
