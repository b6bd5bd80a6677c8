// SPDX-License-Identifier: Apache-2.0
// What RDMA traffic must leave in the exporter's books, whatever the traffic: as many packets as the
// devices say they sent and received, and the same under every metric that sums up to them. For tests only.

import assert from 'node:assert/strict';
import { goodRefreshes } from '../../support/exporter/with-exporter.js';
import { assertBalance } from '../../support/oracle/balance.js';
import type { Exposition } from '../../support/oracle/exposition-parser.js';
import type { Netem } from './netem.js';
import type { RoceBench } from './rdma-bench.js';
import {
  readCmMessages,
  readPortCounters,
  readWireOverflow,
  SIDES,
  type Side,
  type SoftRoce,
} from './soft-roce.js';

/** What a device's hw_counters say, by file (drivers/infiniband/sw/rxe/rxe_hw_counters.c). */
export type HwCounters = ReadonlyMap<string, number>;

/** What was counted while some traffic ran. Sides are those where packets arrived. */
export class Grown {
  readonly after: Exposition;
  readonly #roce: SoftRoce;
  readonly #before: Exposition;
  readonly #hwBefore: Readonly<Record<Side, HwCounters>>;
  readonly #hwAfter: Readonly<Record<Side, HwCounters>>;
  readonly #arrived: Readonly<Record<Side, number>>;
  readonly #cmMessages: Readonly<Record<Side, number>>;
  readonly #overflow: Readonly<Record<Side, number>>;

  constructor(roce: SoftRoce, before: Snapshot, after: Snapshot) {
    this.#roce = roce;
    this.#before = before.exposition;
    this.after = after.exposition;
    this.#hwBefore = before.hw;
    this.#hwAfter = after.hw;
    this.#arrived = arrivedSince(before, after);
    this.#cmMessages = {
      near: after.cmMessages.near - before.cmMessages.near,
      far: after.cmMessages.far - before.cmMessages.far,
    };
    this.#overflow = overflowSince(before, after);
  }

  /** Of a metric, summed over all series with these labels. */
  sum(side: Side, name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.sumAt(this.#roce[side].device, name, labels);
  }

  /** The same at any interface. */
  sumAt(device: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
    const all = { interface: device, ...labels };
    return this.after.sum(name, all) - this.#before.sum(name, all);
  }

  packets(side: Side, labels: Readonly<Record<string, string>> = {}): number {
    return this.sum(side, 'xtrace_roce_packets_total', labels);
  }

  /** By a device itself. */
  hw(side: Side, counter: string): number {
    return count(this.#hwAfter[side], counter) - count(this.#hwBefore[side], counter);
  }

  /** Messages of connection managers that a device received, by ib_cm. */
  cmMessages(side: Side): number {
    return this.#cmMessages[side];
  }

  /**
   * Packets that came out of the wire on a side: what the other's device sent, netem let pass, and the
   * wire had room for.
   */
  arrived(side: Side): number {
    return this.#arrived[side];
  }

  /** Packets to a side that the wire had no room for: a loss that netem does not know. */
  overflow(side: Side): number {
    return this.#overflow[side];
  }

  /**
   * What every kind of traffic leaves; the text says it in figures. A device does not count what it
   * receives for a queue pair that is gone, as where nobody waits for the last packets to arrive.
   */
  assertBooks({ mayOutliveQueuePairs = false } = {}): string {
    assertBalance(this.after);
    for (const side of SIDES) {
      const arrived = this.arrived(side);
      const received = this.hw(side, 'rcvd_pkts');
      assert.equal(this.packets(side), arrived, `${side}: packets, and what the other device sent`);
      if (mayOutliveQueuePairs) assert.ok(received <= arrived, `${side}: received ${received} of ${arrived}`);
      else assert.equal(received, arrived, `${side}: what the device received`);
      const v2 = { traffic_type: 'RoCE_v2' };
      for (const unit of ['packets', 'bytes'] as const) {
        const all = this.sum(side, `xtrace_interface_${unit}_total`, v2);
        const read =
          this.sum(side, `xtrace_roce_${unit}_total`, { version: 'v2' }) +
          this.sum(side, `xtrace_roce_other_${unit}_total`, { version: 'v2' });
        assert.equal(read, all, `${side}: ${unit} of RoCE v2`);
      }
      assert.equal(this.sum(side, 'xtrace_roce_ecn_packets_total'), arrived, `${side}: ECN codepoints`);
      assert.equal(this.sum(side, 'xtrace_roce_malformed_packets_total'), 0, `${side}: malformed`);
      assert.equal(this.sum(side, 'xtrace_roce_cm_messages_total'), this.cmMessages(side), `${side}: CM`);
    }
    return SIDES.map(
      (side) => `${side}: ${this.packets(side)} packets, ${this.sum(side, 'xtrace_roce_bytes_total')} bytes`,
    ).join('; ');
  }
}

interface Snapshot {
  readonly exposition: Exposition;
  readonly hw: Readonly<Record<Side, HwCounters>>;
  readonly cmMessages: Readonly<Record<Side, number>>;
  /** By the side that they did not reach. */
  readonly overflow: Readonly<Record<Side, number>>;
  /** Of netem, where there is one. */
  readonly passed: number | undefined;
}

/**
 * Runs traffic to its end, and waits until the exporter has all of it.
 * @param netem what stands in the way from near to far
 * @param settlingRefreshes how many more it takes; 1, so that a packet too many shows as well
 */
export async function measure(
  { roce, exporter }: RoceBench,
  traffic: () => Promise<unknown>,
  netem?: Netem,
  settlingRefreshes = 1,
): Promise<Grown> {
  const snapshot = (exposition: Exposition): Snapshot => ({
    exposition,
    hw: recordOf((side) => readPortCounters(roce[side], 'hw_counters')),
    cmMessages: recordOf((side) => readCmMessages(roce[side])),
    overflow: {
      near: readWireOverflow(roce.far.device),
      far: readWireOverflow(roce.near.device),
    },
    passed: netem?.passed(),
  });
  const shown = (exposition: Exposition, side: Side): number =>
    exposition.sum('xtrace_interface_packets_total', {
      interface: roce[side].device,
      traffic_type: 'RoCE_v2',
    });
  // What was sent before is to be in what is shown: on a crowded machine the last of it may still be under way.
  const begun = goodRefreshes(await exporter.scrape());
  const before = snapshot(
    await exporter.scrapeUntil('what was sent before', (now) => goodRefreshes(now) >= begun + 2),
  );
  await traffic();
  const all = await exporter.scrapeUntil('all packets that the devices sent', (now) => {
    const arrived = arrivedSince(before, snapshot(now));
    return SIDES.every((side) => shown(now, side) - shown(before.exposition, side) >= arrived[side]);
  });
  const settled = await exporter.scrapeUntil(
    `${settlingRefreshes} more refreshes`,
    (now) => goodRefreshes(now) >= goodRefreshes(all) + settlingRefreshes,
  );
  return new Grown(roce, before, snapshot(settled));
}

function arrivedSince(before: Snapshot, after: Snapshot): Readonly<Record<Side, number>> {
  const sent = (side: Side): number =>
    count(after.hw[side], 'sent_pkts') - count(before.hw[side], 'sent_pkts');
  const isImpaired = before.passed !== undefined && after.passed !== undefined;
  const overflow = overflowSince(before, after);
  return {
    near: sent('far') - overflow.near,
    far: (isImpaired ? after.passed - before.passed : sent('near')) - overflow.far,
  };
}

function overflowSince(before: Snapshot, after: Snapshot): Readonly<Record<Side, number>> {
  return {
    near: after.overflow.near - before.overflow.near,
    far: after.overflow.far - before.overflow.far,
  };
}

function count(counters: HwCounters, name: string): number {
  const value = counters.get(name);
  if (value === undefined) throw new Error(`the device does not count ${name}`);
  return value;
}

function recordOf<T>(read: (side: Side) => T): Readonly<Record<Side, T>> {
  return { near: read('near'), far: read('far') };
}
