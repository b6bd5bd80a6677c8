// SPDX-License-Identifier: Apache-2.0
// What the exporter reads of real RDMA devices: their own counters, and whether their traffic can be
// seen.

import assert from 'node:assert/strict';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import type { Exposition } from '../../support/oracle/exposition-parser.js';
import type { AttachMode, RoceBench } from './rdma-bench.js';
import { readPortCounters, SIDES, type Side } from './soft-roce.js';

/** How often the kernel reads the others, in ms: a setting, not a count (struct rdma_hw_stats). */
const SETTING = 'lifespan';

/** To be called after some traffic: counters of zero prove little. */
export function testPorts(mode: AttachMode, bench: (mode: AttachMode) => Promise<RoceBench>): void {
  kernelTest(
    `${mode}: the devices, their counters to the unit, and that XDP sees their traffic`,
    async (t) => {
      const { roce, exporter } = await bench(mode);
      const files = (side: Side): Record<string, number> =>
        Object.fromEntries(
          [...readPortCounters(roce[side], 'hw_counters')].filter(([name]) => name !== SETTING),
        );
      const portOf = (side: Side) => ({ device: roce[side].rdmaDevice, port: '1' });
      const isRead = (now: Exposition, side: Side): boolean =>
        now.sum('xtrace_rdma_hw_stats_total', { ...portOf(side), counter: 'rcvd_pkts' }) ===
          files(side)['rcvd_pkts'] &&
        // Asked for apart from the counters: one may be read while the other had to be given up.
        now.select('xtrace_rdma_port_info', portOf(side)).length > 0;
      const seen = await exporter.scrapeUntil('the ports to be read after the traffic', (now) =>
        SIDES.every((side) => isRead(now, side)),
      );
      for (const side of SIDES) {
        const port = portOf(side);
        const read = seen
          .select('xtrace_rdma_hw_stats_total', port)
          .map(({ labels, value }) => [labels.get('counter') ?? '', value] as const);
        assert.deepEqual(Object.fromEntries(read), files(side));
        t.diagnostic(`${side}: ${read.length} counters, ${files(side)['rcvd_pkts']} packets received`);
        assert.equal(seen.value('xtrace_rdma_port_active', port), 1);
        assert.equal(seen.value('xtrace_rdma_read_success', port), 1);
        const info = { ...port, netdev: roce[side].device, driver: 'rdma_rxe', link_layer: 'Ethernet' };
        assert.equal(seen.value('xtrace_rdma_port_info', info), 1);
        const where = { interface: roce[side].device, rdma_device: roce[side].rdmaDevice };
        assert.deepEqual(
          seen
            .select('xtrace_roce_visibility', { interface: roce[side].device })
            .map(({ labels }) => [labels.get('rdma_device'), labels.get('state')]),
          [[roce[side].rdmaDevice, 'visible_soft']],
        );
        assert.equal(seen.value('xtrace_roce_offload_unseen_packets', where), 0);
      }
    },
  );
}
