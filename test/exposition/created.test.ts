// SPDX-License-Identifier: Apache-2.0
// _created in OpenMetrics: beside each counter and histogram of ours, where it is asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkPool } from '../../src/exposition/chunk-pool.js';
import type { ExpositionFormat } from '../../src/exposition/dialect.js';
import { createFlowTailRenderer } from '../../src/exposition/remote-write/flow-tail.js';
import { renderExposition } from '../../src/exposition/render-exposition.js';
import { createFlowLabelFields } from '../../src/metrics/flow-label-fields.js';
import { createSnapshot, STARTED_MS } from '../support/exposition/encoder-fixture.js';
import { FIXED_FLOWS, FIXED_LABELS } from '../support/exposition/series-fixture.js';
import { fixedFamilies } from '../support/metrics/fixed-metrics.js';

async function linesOf(
  format: ExpositionFormat,
  openmetricsCreated: boolean,
  chunkBytes = 4096,
): Promise<string[]> {
  const flowLabels = createFlowTailRenderer(createFlowLabelFields(FIXED_LABELS), []);
  const starts = { startedMs: STARTED_MS, flowLabels, openmetricsCreated };
  const parts = { yieldToLoop: async () => undefined, pool: new ChunkPool(chunkBytes) };
  const input = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  const { chunks } = await renderExposition(format, input, parts, starts);
  return Buffer.concat(chunks).toString().split('\n');
}

const isCreated = (line: string): boolean => /^\w+_created[ {]/.test(line);

for (const chunkBytes of [64, 700, 1 << 20]) {
  test(`each counter is followed by its start, in chunks of ${chunkBytes} bytes`, async () => {
    const lines = await linesOf('openmetrics', true, chunkBytes);
    const plain = await linesOf('openmetrics', false);
    assert.deepEqual(
      lines.filter((line) => !isCreated(line)),
      plain,
      'nothing else changes',
    );
    let created = 0;
    lines.forEach((line, i) => {
      const [, name, labels = ''] = /^(\w+)_total(\{.*\})? \S+$/s.exec(line) ?? [];
      if (name === undefined) return;
      const isForeign =
        /^xtrace_rdma_(port_(received|transmitted)_bytes|port_stats|hw_stats)$/.test(name) ||
        /^xtrace_nic_(?!pfc_storms$|read_failures$)/.test(name);
      const next = lines[i + 1] ?? '';
      assert.equal(next.startsWith(`${name}_created${labels} `), !isForeign, line);
      if (!isForeign) created++;
    });
    const counts = lines.filter((line) => /^\w+_count[ {]/.test(line));
    assert.equal(lines.filter(isCreated).length, created + counts.length, 'and each histogram by one');
    const flow = lines.find((line) => line.startsWith('xtrace_network_bytes_created{'));
    assert.equal(flow?.split(' ').at(-1), ((STARTED_MS + 1000) / 1000).toFixed(3));
    const other = lines.find((line) => line.startsWith('xtrace_other_bytes_created{'));
    assert.equal(other?.split(' ').at(-1), (STARTED_MS / 1000).toFixed(3));
  });
}

test('text has none', async () => {
  assert.deepEqual((await linesOf('text', true)).filter(isCreated), []);
});
