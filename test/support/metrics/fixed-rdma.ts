// SPDX-License-Identifier: Apache-2.0
// RDMA ports with fixed contents, for the fixed snapshot of fixed-metrics.ts.

import type { Family } from '../../../src/metrics/definition.js';
import { rdmaFamilies } from '../../../src/metrics/rdma-families.js';
import type { RdmaPortStatus } from '../../../src/rdma/port-reader.js';
import type { RdmaView } from '../../../src/rdma/rounds.js';
import { FIXED_LABELS } from '../exposition/series-fixture.js';

const PORT: RdmaPortStatus = {
  name: { device: 'mlx5_0', port: 1 },
  identity: {
    device: 'mlx5_0',
    port: 1,
    isSoft: false,
    hasGidNetdevs: true,
    netdevs: ['eth0', 'eth0.100'],
    driver: 'mlx5_core',
    linkLayer: 'Ethernet',
    nodeGuid: '0c42:a103:0065:bf0a',
    firmwareVersion: '22.39.2048',
    hcaType: 'MT4125',
    boardId: 'MT_0000000359',
    isVirtualFunction: false,
  },
  link: { state: 'active', physState: 'LinkUp', rateBitsPerSecond: 100e9 },
  counters: {
    receivedBytes: 4_000_000_000_000,
    transmittedBytes: 1000,
    standard: { port_rcv_packets: 4_000_017, link_downed: 1 },
    // 2^64 - 1, as near as a double comes to it.
    hardware: { np_cnp_sent: 77, out_of_sequence: 18_446_744_073_709_552_000, active_qps: 7 },
    unreadable: 3,
  },
  timeouts: 0,
  errors: 3,
};

/** A port that hangs, and has not told of itself before. */
const HANGING_PORT: RdmaPortStatus = {
  name: { device: 'bnxt_re0', port: 2 },
  identity: undefined,
  link: undefined,
  counters: undefined,
  timeouts: 2,
  errors: 0,
};

export const FIXED_RDMA: RdmaView = {
  ports: [PORT, HANGING_PORT],
  visibility: [
    { interfaceName: 'eth0', rdmaDevice: 'mlx5_0', state: 'hidden_offload', unseenPackets: 4711 },
    { interfaceName: 'ib0', rdmaDevice: '', state: 'none', unseenPackets: undefined },
  ],
  readDurationMs: 12.5,
  readAtMs: 0,
};

export function fixedRdmaFamilies(): Family[] {
  return rdmaFamilies(FIXED_RDMA, FIXED_LABELS);
}
