// SPDX-License-Identifier: Apache-2.0
// Self metrics and books with fixed contents: one snapshot that tests and golden files share.

import { KIND } from '../../../src/abi/kinds.js';
import type { BooksView } from '../../../src/flows/views.js';
import { bookFamilies } from '../../../src/metrics/book-families.js';
import type { Family } from '../../../src/metrics/definition.js';
import { type NetworkView, networkFamilies } from '../../../src/metrics/network-families.js';
import { type PushView, pushFamilies } from '../../../src/metrics/push-families.js';
import { createSelfMetrics, type SelfMetrics } from '../../../src/metrics/self-metrics.js';
import { stateFamilies } from '../../../src/metrics/state-families.js';
import { FIXED_LABELS } from '../exposition/series-fixture.js';
import { fixedNicFamilies } from './fixed-nic.js';
import { fixedOwnerFamilies } from './fixed-owners.js';
import { fixedRdmaFamilies } from './fixed-rdma.js';
import { fixedRoceFamilies } from './fixed-roce.js';

export const FIXED_BOOKS: BooksView = {
  interfaces: [
    { interfaceId: 0, kind: KIND.tcp, packets: 150, bytes: 98_304 },
    { interfaceId: 0, kind: KIND.nonIp, packets: 7, bytes: 420 },
    { interfaceId: 1, kind: KIND.udp, packets: 1, bytes: 1_000_000_000 },
  ],
  pending: [
    { interfaceId: 0, kind: KIND.tcp, packets: 4, bytes: 4_096 },
    { interfaceId: 0, kind: KIND.nonIp, packets: 0, bytes: 0 },
    { interfaceId: 1, kind: KIND.udp, packets: 0, bytes: 0 },
  ],
  others: [
    { interfaceId: 0, kind: KIND.tcp, packets: 30, bytes: 30_000, reason: 'max_series' },
    { interfaceId: 0, kind: KIND.tcp, packets: 20, bytes: 2_768, reason: 'map_full' },
    { interfaceId: 0, kind: KIND.nonIp, packets: 7, bytes: 420, reason: 'non_ip' },
  ],
  frameReasons: [
    { interfaceId: 0, reason: 2, packets: 4, bytes: 240 },
    { interfaceId: 0, reason: 5, packets: 1, bytes: 60 },
    { interfaceId: 0, reason: 6, packets: 2, bytes: 120 },
  ],
};

export const FIXED_PUSH: PushView = {
  samples: 1000,
  samplesSent: 700,
  samplesDropped: { queue_full: 40, refused: 60 },
  bytesSent: 12_345,
  requests: new Map([
    ['204', 7],
    ['refused', 2],
  ]),
  requestDuration: {
    bounds: [0.001, 1, 30],
    counts: [4, 3, 0, 2],
    sumSeconds: 61.5,
    native: {
      schema: 2,
      zeroThreshold: 2 ** -20,
      zeroCount: 0,
      buckets: new Map([
        [20, 2],
        [-40, 4],
        [-1, 3],
      ]),
    },
  },
  retries: 2,
  isUp: true,
  lastSuccessMs: 1_700_000_100_500,
  trouble: '',
  format: 'remote_write_1',
  encoding: 'snappy',
  queueSamples: 50,
  queueBytes: 2048,
  queueLimitBytes: 67_108_864,
  spoolBatches: 3,
  spoolSamples: 150,
  spoolBytes: 12_288,
  spoolLimitBytes: 1_073_741_824,
  samplesSpooled: 250,
  samplesReplayed: 100,
  spoolDamagedFiles: 1,
  spoolSetAside: 2,
  spoolFailures: 0,
};

export const FIXED_NETWORKS: NetworkView = {
  prefixes: 300,
  isLastLoadSuccessful: true,
  lastSuccessMs: 1_700_000_050_250,
  imbalance: { src: 1.25, dst: 3 },
};

/** Every recorder has been called, so that every family has a sample. */
export function createFixedSelfMetrics(): SelfMetrics {
  const self = createSelfMetrics(
    {
      version: '1.2.3',
      revision: 'abc"123',
      nodeVersion: 'v20.0.0',
      kernelVersion: '6.1.0',
      arch: 'x64',
      refreshIntervalMs: 5000,
      seriesLimit: 10_000,
      expositionBudgetBytes: 16_000_000,
    },
    {
      readProcessUsage: () => ({
        cpuSeconds: 12.5,
        residentMemoryBytes: 64_000_000,
        startTimeSeconds: 1_700_000_000.25,
        openFds: 23,
        eventLoopStallSeconds: 0.004,
      }),
      readDroppedLogLines: () => 3,
    },
  );
  self.setInterfaces([
    { name: 'eth0', attached: { mode: 'generic', framing: 'ethernet', frags: true } },
    { name: 'ib0' },
  ]);
  self.recordAttachFailure('eth0', 'native', 'EOPNOTSUPP');
  self.recordReattachment('eth0');
  self.recordRefresh({ ok: true, durationMs: 12, finishedAtMs: 1_700_000_100_500 });
  self.recordRefresh({ ok: false, durationMs: 7000, finishedAtMs: 1_700_000_105_500 });
  self.setFlows({ active: 5, series: 4 });
  self.recordSeriesEnded('expired', 3);
  self.setKernelMap('flows4', 17, 65_536);
  self.setUnattributedPackets(2);
  self.recordExposition({ format: 'text', bytes: 4096, durationMs: 2 });
  self.recordBudgets(new Set(['max_series']));
  self.setExpositionEstimate(8_000_000);
  self.recordHttpRequest('200');
  self.setHttpConnections({ limit: 512, readOpen: () => 3 });
  self.recordHttpConnectionClosed('evicted');
  return self;
}

const FIXED_STATE = {
  writes: 12,
  failures: 1,
  bytes: 1_048_640,
  durationMs: 7,
  writtenMs: 1_700_000_100_500,
};

export async function fixedFamilies(): Promise<Family[]> {
  return [
    ...(await createFixedSelfMetrics().families()),
    ...pushFamilies(FIXED_PUSH),
    ...bookFamilies(FIXED_BOOKS, FIXED_LABELS),
    ...(await fixedRoceFamilies()),
    ...fixedRdmaFamilies(),
    ...fixedNicFamilies(),
    ...fixedOwnerFamilies(),
    ...networkFamilies(FIXED_NETWORKS),
    ...stateFamilies(FIXED_STATE),
  ];
}
