// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOG } from '../../src/metrics/catalog.js';
import type { Family, MetricDefinition, Sample } from '../../src/metrics/definition.js';
import { flowFamilies } from '../../src/metrics/flow-families.js';
import { createProcessUsageReader } from '../../src/metrics/process-usage.js';
import { createManySeries } from '../support/exposition/series-fixture.js';
import { createFixedSelfMetrics, fixedFamilies } from '../support/metrics/fixed-metrics.js';

function find(families: readonly Family[], name: string): Family {
  const family = families.find((other) => other.name === name);
  assert.ok(family !== undefined, `no family ${name}`);
  return family;
}

function sampleValue(family: Family, labels: Readonly<Record<string, string>> = {}): number | undefined {
  return family.samples.find((sample: Sample) =>
    Object.entries(labels).every(([name, value]) =>
      sample.labels.some(([otherName, otherValue]) => otherName === name && otherValue === value),
    ),
  )?.value;
}

test('no name occurs twice in the catalogue, and every metric has a help text of its own', () => {
  assert.equal(new Set(CATALOG.map(({ name }) => name)).size, CATALOG.length);
  assert.equal(new Set(CATALOG.map(({ help }) => help)).size, CATALOG.length);
});

test('names end as their types and units demand', () => {
  for (const { name, type, labels, buckets } of CATALOG as readonly MetricDefinition[]) {
    assert.match(name, /^(?:xtrace|process)_[a-z0-9]+(?:_[a-z0-9]+)*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.equal(name.endsWith('_info'), type === 'info', name);
    assert.equal(buckets !== undefined, type === 'histogram', name);
    assert.equal(new Set(labels).size, labels.length, name);
  }
});

test('self metrics, books and flows together are the catalogue: each metric once, nothing else', async () => {
  const names = [
    ...(await fixedFamilies()).map(({ name }) => name),
    ...flowFamilies(createManySeries(1)).families.map(({ name }) => name),
  ];
  assert.deepEqual([...names].sort(), CATALOG.map(({ name }) => name).sort());
});

test('without gauges a flow has its two counters, and those are what they were', () => {
  const series = createManySeries(3);
  const [bytes, packets, ...rest] = flowFamilies(series).families;
  assert.equal(rest.length, 2);
  assert.deepEqual(flowFamilies(series, { gauges: false }).families, [bytes, packets]);
});

test('every sample has the labels of the catalogue in their order', async () => {
  for (const family of await fixedFamilies()) {
    const definition: MetricDefinition | undefined = CATALOG.find(({ name }) => name === family.name);
    assert.ok(definition !== undefined);
    assert.equal(family.type, definition.type);
    assert.equal(family.help, definition.help);
    assert.ok(family.samples.length > 0, `${family.name} has a sample in the fixture`);
    for (const { labels, suffix } of family.samples) {
      const expected: string[] = [...definition.labels, ...(suffix === '_bucket' ? ['le'] : [])];
      assert.deepEqual(
        labels.map(([name]) => name),
        expected,
        family.name,
      );
      assert.equal(['_bucket', '_sum', '_count'].includes(suffix), family.type === 'histogram');
    }
  }
});

test('books become one sample a row, and the overflow equals other{reason="map_full"}', async () => {
  const families = await fixedFamilies();
  assert.equal(sampleValue(find(families, 'xtrace_interface_bytes_total'), { traffic_type: 'TCP' }), 98_304);
  const other = find(families, 'xtrace_other_packets_total');
  assert.deepEqual(other.samples[0]?.labels, [
    ['interface', 'eth0'],
    ['direction', 'ingress'],
    ['traffic_type', 'TCP'],
    ['host_ip', '192.168.1.10'],
    ['collect_agg', 'rack "7"\\a'],
    ['reason', 'max_series'],
  ]);
  const overflow = find(families, 'xtrace_kernel_overflow_packets_total');
  assert.equal(overflow.samples.length, 1);
  assert.equal(sampleValue(overflow, { interface: 'eth0', traffic_type: 'TCP' }), 20);
  assert.equal(sampleValue(other, { reason: 'map_full' }), 20);
  assert.equal(sampleValue(find(families, 'xtrace_frame_reason_packets_total'), { reason: 'arp' }), 4);
});

test('a failed refresh counts, and leaves the time of the last good one alone', async () => {
  const families = await createFixedSelfMetrics().families();
  assert.equal(sampleValue(find(families, 'xtrace_refreshes_total')), 2);
  assert.equal(sampleValue(find(families, 'xtrace_refresh_failures_total')), 1);
  assert.equal(sampleValue(find(families, 'xtrace_refresh_timestamp_seconds')), 1_700_000_100.5);
  const duration = find(families, 'xtrace_refresh_duration_seconds');
  assert.equal(duration.samples.find(({ suffix }) => suffix === '_count')?.value, 2);
});

test('attach info exists for attached interfaces only, and goes when one is lost', async () => {
  const self = createFixedSelfMetrics();
  const before = await self.families();
  assert.equal(sampleValue(find(before, 'xtrace_interface_attached'), { interface: 'eth0' }), 1);
  assert.equal(sampleValue(find(before, 'xtrace_interface_attached'), { interface: 'ib0' }), 0);
  assert.equal(find(before, 'xtrace_interface_attach_info').samples.length, 1);
  self.setInterfaces([{ name: 'eth0' }]);
  const after = await self.families();
  assert.deepEqual(find(after, 'xtrace_interface_attached').samples, [
    { suffix: '', labels: [['interface', 'eth0']], value: 0 },
  ]);
  assert.deepEqual(find(after, 'xtrace_interface_attach_info').samples, []);
});

test('unattributed packets are counted on when the kernel counter starts anew', async () => {
  const self = createFixedSelfMetrics();
  for (const total of [5, 5, 3]) self.setUnattributedPackets(total);
  assert.equal(sampleValue(find(await self.families(), 'xtrace_kernel_unattributed_packets_total')), 8);
});

test('two collections at once and one after another show the same, and CPU time is not added up', async () => {
  const self = createFixedSelfMetrics();
  const [first, second] = await Promise.all([self.families(), self.families()]);
  assert.deepEqual(first, second);
  assert.equal(sampleValue(find(await self.families(), 'process_cpu_seconds_total')), 12.5);
});

test('bounds are written as OpenMetrics wants numbers', async () => {
  const { samples } = find(await fixedFamilies(), 'xtrace_refresh_duration_seconds');
  const bounds = samples.flatMap(({ labels }) =>
    labels.filter(([name]) => name === 'le').map(([, le]) => le),
  );
  assert.deepEqual(bounds.slice(-4), ['1.0', '2.5', '5.0', '+Inf']);
});

test('a held-up event loop shows once, and the reader tells what the process uses', async () => {
  let clockMs = 0;
  const reader = createProcessUsageReader({ countOpenFds: () => 3, monotonicMs: () => clockMs });
  const takeStallMs = reader.watchStalls();
  try {
    clockMs += 520; // what the watch, due every 20 ms, will see at its next turn
    const deadline = performance.now() + 5000;
    let stall = 0;
    while (stall === 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      stall = reader.read().eventLoopStallSeconds;
    }
    assert.equal(stall, 0.5);
    const usage = reader.read();
    assert.equal(usage.eventLoopStallSeconds, 0);
    assert.deepEqual([takeStallMs(), takeStallMs()], [500, 0], 'each who watches is told once');
    assert.ok(usage.cpuSeconds > 0 && usage.residentMemoryBytes > 1e6);
    assert.ok(usage.startTimeSeconds <= Date.now() / 1000);
    assert.equal(usage.openFds, 3);
  } finally {
    reader.close();
  }
});
