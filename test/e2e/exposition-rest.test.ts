// SPDX-License-Identifier: Apache-2.0
// No answer is larger than flows.max_exposition_bytes when what is neither flow nor RoCE pair grows at once:
// three hundred RDMA ports appear between two refreshes, and take more than pairs and flows leave. Series end
// in the very first answer that shows the ports, in whatever format, and each answer balances.

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { decodeFamilies } from '../support/exposition/prometheus-proto.js';
import { payloadOf } from '../support/frames/frames.js';
import { ends4, over, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import { parseExposition } from '../support/oracle/exposition-parser.js';
import { RXE } from '../support/rdma/rdma-devices.js';
import { RdmaSysfs } from '../support/rdma/rdma-sysfs.js';
import { assertRoceBalance } from '../support/roce/roce-balance.js';
import { roceV2 } from '../support/roce/roce-frames.js';

/** The least there may be. */
const LIMIT_BYTES = 1 << 20;
/** They take three quarters of it. */
const PORTS = 300;
const ACCEPT = {
  text: 'text/plain',
  openmetrics: 'application/openmetrics-text; version=1.0.0',
  protobuf:
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; q=1',
};
type Format = keyof typeof ACCEPT;

interface Shown {
  readonly samples: number;
  readonly sum: number;
}

/** Samples by name. */
function readSamples(format: Format, body: Buffer): Map<string, Shown> {
  const all = new Map<string, Shown>();
  const add = (name: string, value: number): void => {
    const { samples, sum } = all.get(name) ?? { samples: 0, sum: 0 };
    all.set(name, { samples: samples + 1, sum: sum + value });
  };
  if (format === 'protobuf') {
    for (const { name, metric } of decodeFamilies(body)) {
      for (const { counter, gauge } of metric) add(name, counter?.value ?? gauge?.value ?? 0);
    }
    return all;
  }
  for (const line of body.toString().split('\n')) {
    const [, name, value] = /^([a-z_0-9]+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) add(name, Number(value));
  }
  return all;
}

for (const [format, created] of [
  ['text', false],
  ['openmetrics', false],
  ['openmetrics', true],
  ['protobuf', false],
] as readonly (readonly [Format, boolean])[]) {
  const title = `${format}${created ? ' with _created' : ''}`;
  kernelTest(
    `three hundred RDMA ports that appear at once end series before the answer, ${title}`,
    async (t) => {
      const site = createSite(t, `${format[0]}${created ? 'y' : 'n'}`);
      site.addVeth('va');
      const sysfs = new RdmaSysfs({ rxe0: RXE });
      t.after(() => sysfs.remove());
      const ports = Array.from({ length: PORTS }, (_, i) => [`rxe${i}`, RXE] as const);
      const many = new RdmaSysfs(Object.fromEntries(ports));
      t.after(() => many.remove());
      const exporter = await startExporter({
        namespace: site.host,
        args: ['-i', 'va', '-t', '1000'],
        settings: {
          flows: {
            max_exposition_bytes: LIMIT_BYTES,
            idle_timeout_ms: 600_000,
            new_series: 'zero_first',
            hold_max_ms: 3000,
          },
          rdma: { sysfs_path: sysfs.path },
          web: { openmetrics_created: created },
        },
      });
      t.after(() => exporter.stop());

      /** Ports, flows and pairs that the answer shows. */
      const scrape = async (as: Format): Promise<{ ports: number; series: number; pairs: number }> => {
        const response = await exporter.page('/metrics', { accept: ACCEPT[as] });
        const body = Buffer.from(await response.arrayBuffer());
        assert.equal(response.status, 200);
        assert.ok(body.length <= LIMIT_BYTES, `${as}: ${body.length} bytes`);
        const samples = readSamples(as, body);
        const sum = (name: string): number => samples.get(name)?.sum ?? 0;
        for (const unit of ['packets', 'bytes']) {
          const parts = [`network_${unit}_total`, `other_${unit}_total`, `pending_${unit}`];
          const shown = parts.reduce((total, part) => total + sum(`xtrace_${part}`), 0);
          assert.equal(shown, sum(`xtrace_interface_${unit}_total`), `${unit} in ${as}`);
        }
        if (as === 'text') {
          const exposition = parseExposition(body.toString());
          assertBalance(exposition);
          assertRoceBalance(exposition, 'va');
        }
        const estimated = sum('xtrace_exposition_estimated_bytes');
        assert.ok(
          body.length <= estimated && estimated <= LIMIT_BYTES,
          `${body.length} of ${estimated} bytes`,
        );
        const series = sum('xtrace_series');
        assert.equal(samples.get('xtrace_network_bytes_total')?.samples ?? 0, series);
        const ports = samples.get('xtrace_rdma_port_active')?.samples ?? 0;
        return { ports, series, pairs: sum('xtrace_roce_pairs') };
      };

      const pairFrames = Array.from({ length: 120 }, (_, host) =>
        [0x04, 0x0a, 0x0c, 0x11].map((opcode, sequenceNumber) => {
          const fields = { opcode, destinationQp: 0x100 + host, sequenceNumber };
          return over(ends4(9, host), roceV2(fields, payloadOf(64 + host), 0xc000 + host));
        }),
      ).flat();
      await site.send('va', udpFlows(1, 1000));
      await site.send('va', pairFrames);
      let before = await scrape(format);
      await exporter.child.waitFor('pairs, flows and one port', async () => {
        before = await scrape(format);
        return before.pairs > 20 && before.series > 100 && before.ports === 1;
      });

      renameSync(join(many.path, 'class/infiniband'), join(sysfs.path, 'class/old'));
      renameSync(join(sysfs.path, 'class/infiniband'), join(many.path, 'class/infiniband'));
      renameSync(join(sysfs.path, 'class/old'), join(sysfs.path, 'class/infiniband'));
      let after = before;
      await exporter.child.waitFor('all ports in an answer', async () => {
        after = await scrape(format);
        return after.ports === PORTS;
      });
      t.diagnostic(`${JSON.stringify(before)} became ${JSON.stringify(after)}`);
      assert.ok(after.pairs < before.pairs && after.pairs > 0, 'pairs end, as many as need be');
      for (let round = 0; round < 8; round++) {
        await site.send('va', udpFlows(2 + round, 300));
        await site.send('va', pairFrames);
        for (const as of ['text', 'openmetrics', 'protobuf'] as const) await scrape(as);
      }
    },
  );
}
