// SPDX-License-Identifier: Apache-2.0
// The books of RoCE must balance at every scrape: what an interface received of a version is what the
// pairs, the others, and what is pending together show, to the unit. For tests only.

import assert from 'node:assert/strict';
import type { Exposition } from '../oracle/exposition-parser.js';

const TRAFFIC_TYPES = { v1: 'RoCE_v1_IBoE', v2: 'RoCE_v2' } as const;

/** Asserts it for packets and bytes of both versions; returns the packets of both. */
export function assertRoceBalance(exposition: Exposition, device: string): number {
  let packets = 0;
  for (const [version, trafficType] of Object.entries(TRAFFIC_TYPES)) {
    for (const unit of ['packets', 'bytes'] as const) {
      const labels = { interface: device, version };
      const received = exposition.sum(`xtrace_interface_${unit}_total`, {
        interface: device,
        traffic_type: trafficType,
      });
      const pairs = exposition.sum(`xtrace_roce_${unit}_total`, labels);
      const others = exposition.sum(`xtrace_roce_other_${unit}_total`, labels);
      const pending = exposition.sum(`xtrace_roce_pending_${unit}`, labels);
      assert.equal(
        received - pairs - others - pending,
        0,
        `${unit} of ${version}: ${received}, ${pairs} + ${others} + ${pending}`,
      );
      if (unit === 'packets') packets += received;
    }
  }
  return packets;
}
