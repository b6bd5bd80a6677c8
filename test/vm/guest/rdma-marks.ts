// SPDX-License-Identifier: Apache-2.0
// What real RDMA says beside its data: codepoints and DSCPs, queue pairs and source ports, connections
// that come and go, receivers that are not ready.

import assert from 'node:assert/strict';
import { waitFor } from '../../support/conditions.js';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import type { RoceBench } from './rdma-bench.js';
import { type Grown, measure } from './rdma-books.js';
import { ENDLESS, startPerftest, startRping } from './rdma-programs.js';
import { readPortCounters, type Side } from './soft-roce.js';

const OPERATIONS = 'xtrace_roce_operations_total';

/** Once is enough: the mode has no part in it. */
export function testMarks(bench: () => Promise<RoceBench>): void {
  for (const { tclass, dscp, codepoint } of [
    { tclass: 107, dscp: 26, codepoint: 'ce' },
    { tclass: 106, dscp: 26, codepoint: 'ect0' },
    { tclass: 185, dscp: 46, codepoint: 'ect1' },
  ]) {
    kernelTest(`traffic class ${tclass} is DSCP ${dscp} and ${codepoint}, on every packet`, async (t) => {
      const shared = await bench();
      const grown = await measure(shared, async () => {
        const args = ['-n', '20', '-s', '4096', `--tclass=${tclass}`];
        await (await startPerftest(shared.roce, { program: 'ib_write_bw', args })).finish();
      });
      t.diagnostic(grown.assertBooks());
      assert.equal(grown.packets('far'), 80);
      for (const side of ['near', 'far'] as const) {
        const all = grown.packets(side);
        assert.ok(all > 0);
        assert.equal(grown.sum(side, 'xtrace_roce_ecn_packets_total', { codepoint }), all, side);
        assert.equal(grown.packets(side, { dscp: String(dscp) }), all, side);
      }
    });
  }

  kernelTest('queue pairs and source ports, while there is traffic', async (t) => {
    const shared = await bench();
    const gauges = [
      'xtrace_roce_queue_pairs_active',
      'xtrace_roce_udp_source_ports_active',
      'xtrace_roce_queue_pair_bytes_max_ratio',
    ] as const;
    const labels = { interface: shared.roce.far.device, src_ip: shared.roce.near.ipv4 };
    let [queuePairs, ports, share]: number[] = [];
    const grown = await measure(shared, async () => {
      const args = ['-s', '4096', '-q', '4', ENDLESS];
      const pair = await startPerftest(shared.roce, { program: 'ib_write_bw', args });
      try {
        const busy = await shared.exporter.scrapeUntil('4 queue pairs', (now) => {
          return now.sum(gauges[0], labels) === 4;
        });
        [queuePairs, ports, share] = gauges.map((name) => busy.value(name, labels));
      } finally {
        await pair.kill();
      }
    });
    t.diagnostic(`${queuePairs} queue pairs, ${ports} source ports, the busiest has ${share}`);
    t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
    // rxe derives the port from the queue pair by a hash, which may give two the same.
    assert.ok(ports !== undefined && ports >= 2 && ports <= 4, `${ports} source ports`);
    assert.ok(share !== undefined && share >= 0.25 && share < 1, `the busiest has ${share}`);
    await shared.exporter.scrapeUntil('none when idle', (now) =>
      gauges.every((name) => now.sum(name, labels) === 0),
    );
  });

  kernelTest('rdma_cm: connections made by messages on queue pair 1', async (t) => {
    const shared = await bench();
    const grown = await measure(shared, async () => {
      const args = ['-n', '20', '-s', '4096'];
      const run = { program: 'ib_write_bw', args, byConnectionManager: true };
      await (await startPerftest(shared.roce, run)).finish();
    });
    t.diagnostic(grown.assertBooks());
    t.diagnostic(`CM messages: ${describeCm(grown)}`);
    assertConnected(grown);
    assert.equal(grown.sum('far', OPERATIONS, { operation: 'write' }), 20);
    assert.equal(grown.sum('far', 'xtrace_roce_operation_bytes_sum', { operation: 'write' }), 20 * 4096);
  });

  for (const ipVersion of ['ipv4', 'ipv6'] as const) {
    kernelTest(`rping over ${ipVersion}`, async (t) => {
      const shared = await bench();
      const pings = 10;
      const grown = await measure(shared, async () => {
        const said = await (await startRping(shared.roce, ipVersion, pings)).finish();
        assert.equal(said.match(/ping data/g)?.length, pings, said);
      });
      t.diagnostic(grown.assertBooks());
      t.diagnostic(`CM messages: ${describeCm(grown)}`);
      assertConnected(grown);
      // A ping: the client offers a buffer, the server reads it and says so; then once more, and it writes.
      const sends = (side: Side): number => 2 * pings + grown.cmMessages(side);
      assert.equal(grown.sum('far', OPERATIONS, { operation: 'send' }), sends('far'));
      assert.equal(grown.sum('near', OPERATIONS, { operation: 'send' }), sends('near'));
      for (const operation of ['read', 'write'] as const) {
        assert.equal(grown.sum('near', OPERATIONS, { operation }), pings, operation);
        const upTo64 = { operation, le: '64.0' };
        assert.equal(grown.sum('near', 'xtrace_roce_operation_bytes_bucket', upTo64), pings, operation);
      }
      const { near, far } = shared.roce;
      assert.equal(
        grown.packets('far', { src_ip: near[ipVersion], dst_ip: far[ipVersion] }),
        grown.packets('far'),
        'addresses',
      );
    });
  }

  kernelTest('RNR NAKs, from a receiver that is held up', async (t) => {
    const shared = await bench();
    const counter = (name: string): number => readPortCounters(shared.roce.far, 'hw_counters').get(name) ?? 0;
    const grown = await measure(shared, async () => {
      const before = counter('rcvd_pkts');
      const nakked = counter('send_rnr_err');
      const args = ['-n', '300', '-s', '65536', '-r', '16'];
      const pair = await startPerftest(shared.roce, { program: 'ib_send_bw', args });
      try {
        await pair.client.waitFor('traffic', () => counter('rcvd_pkts') > before, { intervalMs: 1 });
        pair.server.kill('SIGSTOP'); // receive buffers are used up, and nobody posts new ones
        await waitFor('the device to say that it is not ready', () => counter('send_rnr_err') > nakked);
        pair.server.kill('SIGCONT');
        await pair.finish();
      } finally {
        await pair.kill();
      }
    });
    t.diagnostic(grown.assertBooks());
    const rnrNaks = grown.sum('near', 'xtrace_roce_rnr_naks_total');
    t.diagnostic(`${rnrNaks} RNR NAKs, the requester acted on ${grown.hw('near', 'rcvd_rnr_err')}`);
    assert.ok(rnrNaks > 0);
    assert.equal(rnrNaks, grown.hw('far', 'send_rnr_err'));
    // perftest's code is 12: 0.64 ms.
    const delay = grown.sum('near', 'xtrace_roce_rnr_requested_delay_seconds_total');
    assert.equal(Math.round(delay * 1e5), rnrNaks * 64);
  });
}

/** Both sides spoke as connection managers, and UD was nothing else. */
function assertConnected(grown: Grown): void {
  for (const side of ['near', 'far'] as const) {
    const messages = grown.sum(side, 'xtrace_roce_cm_messages_total');
    // A request and its end from one, a reply and its end from the other; books compare with ib_cm.
    assert.ok(messages >= 2, `${side}: ${messages}`);
    assert.equal(grown.packets(side, { transport: 'ud' }), messages, side);
  }
}

function describeCm(grown: Grown): string {
  return `${grown.cmMessages('far')} to the server, ${grown.cmMessages('near')} to the client`;
}
