// SPDX-License-Identifier: Apache-2.0
// What people and programs are told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { estimateWatch } from '../../src/estimate/estimate.js';
import { recommendChoice } from '../../src/estimate/recommend.js';
import { renderEstimate } from '../../src/estimate/render-estimate.js';
import { renderEstimateJson } from '../../src/estimate/render-estimate-json.js';
import { durationWords, type EstimateReport } from '../../src/estimate/report.js';
import { renderSettingsYaml } from '../../src/estimate/settings-yaml.js';
import { siBytes, siNumber } from '../../src/si-text.js';
import { choiceInputs, createWatch, ESTIMATE_OPTIONS, watchRows } from '../support/estimate/watched.js';
import type { TestRow } from '../support/flows/rows.js';

async function reportOf(
  rows: readonly TestRow[],
  changes: Partial<EstimateReport> = {},
): Promise<EstimateReport> {
  const choices = choiceInputs();
  const watch = createWatch(choices);
  await watchRows(watch, [rows.slice(0, rows.length >> 1), rows.slice(rows.length >> 1)]);
  const estimate = estimateWatch(watch, choices, { ...ESTIMATE_OPTIONS, maxSeries: 10_000 });
  const recommendation = recommendChoice(estimate, {
    maxSeries: 10_000,
    maxExpositionBytes: 16_000_000,
    gauges: true,
  });
  const yaml =
    recommendation === undefined ? '' : renderSettingsYaml(recommendation, { switchesPortOff: false });
  return {
    version: '1.2.3',
    interfaces: [{ name: 'eth0', trouble: '' }],
    askedMs: 10_000,
    watchedMs: 10_000,
    estimate,
    recommendation,
    yaml,
    maxSeries: 10_000,
    idleTimeoutMs: 300_000,
    scrapeIntervalMs: 15_000,
    isPushed: false,
    maxPairs: 1000,
    readsRoce: true,
    rdma: { ports: 2, series: 90 },
    ...changes,
  };
}

function clients(count: number): TestRow[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: KIND.tcp,
    src: [10, 1, i >> 14, 7],
    dst: [10, 0, 0, 1],
    srcPort: 32_768 + (i % 16_384),
    dstPort: 443,
    protocol: 6,
  }));
}

test('short flows: a table, what to know of it, the recommendation and its settings', async () => {
  const text = renderEstimate(
    await reportOf([...clients(20_000), { kind: KIND.roceV2, src: [10, 0, 0, 9] }]),
  );
  for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
  assert.match(
    text,
    /^xtrace-catch 1\.2\.3 estimate: eth0, watched for 10 s\n20,001 packets \(2\.00 MB\)\n\n/,
  );
  assert.match(text, /\nservice ports {15} {8}12 {8}12 {8}12 /);
  assert.match(text, /\n {2}- all nine labels: 10,000 of [\d,]+ flows get series \(flows\.max_series\)/);
  assert.match(text, /about 50 series of 1 RoCE pairs\n.*about 90 series of 2 RDMA ports\n/);
  assert.match(text, /it saw fewer series\s+than there will be/);
  assert.match(text, /\nrecommended: service ports: the most detail within bounds, /);
  assert.match(
    text,
    /\n\nflows:\n {2}labels: \[src_ip, [^\]]+\]\n {2}ports: service\n(?: .*\n)* {2}gauges: true\n$/,
  );
});

test('a watch longer than the idle timeout says nothing of its length', async () => {
  const text = renderEstimate(await reportOf(clients(10), { idleTimeoutMs: 5000 }));
  assert.doesNotMatch(text, /fewer series\s+than/);
  assert.match(text, /recommended: all nine labels: nothing has to be left out/);
});

test('the same for programs', async () => {
  const report = await reportOf(clients(20_000));
  const found = JSON.parse(renderEstimateJson(report)) as Record<string, unknown>;
  assert.deepEqual(
    [found['packets'], found['max_series'], found['empty'], found['rdma']],
    [20_000, 10_000, null, { ports: 2, series: 90 }],
  );
  const [first] = found['choices'] as Record<string, unknown>[];
  assert.equal(first?.['id'], 'configured');
  assert.equal(first['flows_with_series'], 10_000);
  assert.equal((found['recommendation'] as { id: string }).id, 'service_ports');
});

test('law: a number has three digits that count, and is right to half of the last', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e17, noNaN: true }), (value) => {
      const text = siNumber(value);
      const [, digits = '', prefix = ''] = /^([\d.]+)([kMGTP]?)$/.exec(text) ?? assert.fail(text);
      const shown = Number(digits) * 1000 ** ' kMGTP'.indexOf(prefix || ' ');
      assert.ok(
        text.length <= 5 && Math.abs(shown - value) <= Math.max(0.0051, 0.0051 * value),
        `${value}: ${text}`,
      );
    }),
  );
  assert.deepEqual([0, 7, 999, 999.6, 1234, 38_932, 2.5].map(siNumber), [
    '0',
    '7',
    '999',
    '1.00k',
    '1.23k',
    '38.9k',
    '2.50',
  ]);
  assert.deepEqual([siBytes(0), siBytes(16e6)], ['0 B', '16.0 MB']);
  assert.deepEqual([500, 505.4, 1000, 90_000, 1234].map(durationWords), [
    '500 ms',
    '505 ms',
    '1 s',
    '90 s',
    '1.2 s',
  ]);
});
