// SPDX-License-Identifier: Apache-2.0
// Two NICs with fixed contents, one that tells all there is and one that hangs. For tests only.

import type { Family } from '../../../src/metrics/definition.js';
import { nicFamilies } from '../../../src/metrics/nic-families.js';
import { MEANINGS, type Meaning, type NicCounter } from '../../../src/nic/meanings.js';
import type { NicStatus, NicView } from '../../../src/nic/nic-rounds.js';
import { FIXED_LABELS } from '../exposition/series-fixture.js';

const WORDS: Readonly<Record<string, string>> = {
  ...{ direction: 'received', priority: '3', level: 'warning', reason: 'port_buffer', result: 'corrected' },
  ...{ source: 'kernel', event: 'unplugged', operation: 'read', severity: 'correctable', error: 'RxErr' },
};

/** One counter of each meaning. */
export const COUNTERS_OF_ALL_MEANINGS: readonly NicCounter[] = (Object.keys(MEANINGS) as Meaning[]).map(
  (meaning, index) => ({
    meaning,
    labels: MEANINGS[meaning].map((label) => WORDS[label] ?? ''),
    value: meaning === 'pcie_stalled_ratio' ? 0.25 : index + 1,
  }),
);

const NIC: NicStatus = {
  interfaceName: 'eth0',
  numbers: {
    ...{ driver: 'mlx5_core', firmware: '28.39.1002', bus: '0000:3b:00.0' },
    counters: COUNTERS_OF_ALL_MEANINGS,
    raw: [{ name: 'ch0_events', value: 12 }],
    rawLeftOut: 2,
    link: {
      ...{ speedBitsPerSecond: 400e9, isFullDuplex: true, isAutonegotiated: false },
      ...{ lanes: 4, fecMode: 'rs' },
    },
    pcie: { transfersPerSecond: 16e9, maxTransfersPerSecond: 32e9, lanes: 8, maxLanes: 16 },
    durationsMs: { stats: 4.5 },
    ...{ errors: 0, malformed: 0 },
  },
  module: {
    ...{ standard: 'cmis', temperatureCelsius: 52.5 },
    ...{ receivedWatts: [0.001, 0], sentWatts: [0.0012, 0.0011] },
  },
  durationsMs: { stats: 4.5, module: 31.25 },
  pauses: [
    {
      ...{ priority: '3', direction: 'received' },
      ...{ longestPauseMs: 1500, pausedShare: 0.5, isStorm: true, storms: 2 },
    },
    {
      ...{ priority: '3', direction: 'sent' },
      ...{ longestPauseMs: 0, pausedShare: undefined, isStorm: undefined, storms: 0 },
    },
  ],
  failures: { timeout: 0, error: 1, malformed: 2 },
};

/** A NIC that hangs. */
const HANGING_NIC: NicStatus = {
  ...{ interfaceName: 'eth1', numbers: undefined, module: undefined, durationsMs: {}, pauses: [] },
  failures: { timeout: 3, error: 0, malformed: 0 },
};

export const FIXED_NICS: NicView = { nics: [NIC, HANGING_NIC], pauseIntervalMs: 100 };

export function fixedNicFamilies(): Family[] {
  return nicFamilies(FIXED_NICS, FIXED_LABELS);
}
