// SPDX-License-Identifier: Apache-2.0
// Whole payloads: how many go in a request, edges, and mixtures as exporters have them.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { FIXED_FLOWS, type FlowSpec } from '../../support/exposition/series-fixture.js';
import { STALE_BITS } from '../../support/receivers/remote-write-protos.js';
import { type CaseContext, inVersion2, runCases } from './case-runner.js';
import { family, histogram, MIXED, MIXED_SERIES } from './families.js';
import { nameOf, Received } from './sender-under-test.js';

const ANY_AGE = { push: { maxAgeMs: Number.MAX_SAFE_INTEGER } };

const manyFlows = (count: number): FlowSpec[] =>
  Array.from({ length: count }, (_, i) => ({
    ...FIXED_FLOWS[0],
    srcPort: i % 65_536,
    dstPort: Math.floor(i / 65_536),
    counts: [i, i * 1000, 1, 1000],
  }));

const manyValues = (count: number): [Record<string, string>, number][] =>
  Array.from({ length: count }, (_, i) => [{ path: `/api/v1/endpoint_${i}`, method: 'GET' }, i]);

/** The series of a name have these values, in any order. */
function assertValues(received: Received, name: string, values: readonly number[]): void {
  const found = received.named(name).map(({ samples }) => samples[0]?.value ?? Number.NaN);
  assert.deepEqual(
    found.sort((a, b) => a - b),
    [...values].sort((a, b) => a - b),
  );
}

runCases('batching', {
  async multiple_series_per_request({ open }) {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS });
    assert.equal(received.series.length, MIXED_SERIES + 4 * FIXED_FLOWS.length);
    assert.ok(new Set(received.series.map(({ labels }) => nameOf(labels))).size >= 8);
  },
  async batch_size_reasonable({ open }) {
    const sender = await open();
    const requests = (await sender.push([], { flows: manyFlows(3000) })).map((push) => new Received(push));
    const sizes = requests.map(({ series }) => series.length);
    assert.ok(sizes.length > 1 && Math.max(...sizes) <= 10_000, `${sizes}`);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      12_000,
    );
    const series = requests.flatMap((one) => one.series.map(({ labels }) => JSON.stringify(labels)));
    assert.equal(new Set(series).size, 12_000);
    sender.assertBooks(12_000);
  },
  async handles_varying_cardinality({ open }) {
    const received = await (await open()).pushOne([family('api_calls', manyValues(500)), family('low', 42)]);
    assertValues(
      received,
      'api_calls',
      Array.from({ length: 500 }, (_, i) => i),
    );
    assert.equal(received.one('low').value, 42);
  },
  efficient_symbol_reuse: inVersion2(async ({ open }) => {
    const sender = await open({ push: { batchMaxSamples: 7 } });
    const requests = await sender.push(MIXED, { flows: FIXED_FLOWS });
    assert.ok(requests.length > 3);
    for (const push of requests) {
      const { symbols } = new Received(push).request;
      assert.equal(new Set(symbols).size, symbols.length);
    }
  }),
  metadata_batching: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS });
    for (const { metadata } of received.series) assert.ok((metadata?.type ?? 0) > 0 && metadata?.help !== '');
  }),
  // It may send in parallel; it does not, so that no series can come out of order.
  async ConcurrentRequests({ open }) {
    let open_ = 0;
    let most = 0;
    const sender = await open({
      async reply() {
        most = Math.max(most, ++open_);
        await delay(5);
        open_--;
        return undefined;
      },
      push: { batchMaxSamples: 4 },
    });
    for (let i = 0; i < 3; i++) await sender.hand(MIXED);
    await sender.settled();
    assert.deepEqual([sender.pushes.length, most], [9, 1]);
  },
});

runCases('edge', {
  async empty_scrape({ open }) {
    const sender = await open();
    assert.equal((await sender.push([])).length, 0);
    assert.equal((await sender.push([family('m', [])])).length, 0);
    assert.equal((await sender.push([family('m', 1)])).length, 1);
    const [end] = await sender.push([]); // now there is something to tell
    assert.equal(new Received(end ?? assert.fail('the series is not ended')).one('m').bits, STALE_BITS);
  },
  async huge_label_values({ open }) {
    const value = 'x'.repeat(10_000);
    assert.equal(
      (await (await open()).pushOne([family('m', [[{ a: value }, 1]])])).one('m').label['a'],
      value,
    );
  },
  async unicode_in_labels({ open }) {
    const labels = { emoji: '🚀', chinese: '测试', arabic: 'مرحبا', vietnamese: 'tôi yêu việt nam' };
    const { label } = (await (await open()).pushOne([family('m', [[labels, 42]])])).one('m');
    for (const [name, value] of Object.entries(labels)) assert.equal(label[name], value);
  },
  async many_timeseries({ open }) {
    const families = Array.from({ length: 100 }, (_, i) => family(`metric_${i}`, i));
    const received = await (await open()).pushOne(families);
    for (let i = 0; i < 100; i++) assert.equal(received.one(`metric_${i}`).value, i);
  },
  async high_cardinality({ open }) {
    const received = await (await open()).pushOne([family('http_requests', manyValues(5000))]);
    assert.equal(new Set(received.series.map(({ labels }) => JSON.stringify(labels))).size, 5000);
  },
  async very_long_metric_name({ open }) {
    const name = `metric_${'very_long_name_'.repeat(50)}`;
    assert.equal((await (await open()).pushOne([family(name, 42)])).one(name).value, 42);
  },
  async special_float_combinations({ open }) {
    const values = {
      inf: Number.POSITIVE_INFINITY,
      ninf: Number.NEGATIVE_INFINITY,
      zero: 0,
      negative: -123.45,
    };
    const given = Object.entries({ ...values, nan: Number.NaN }).map(
      ([type, value]) => [{ type }, value] as const,
    );
    const received = await (await open()).pushOne([family('special_values', given)]);
    const found = new Map(
      received
        .named('special_values')
        .map(({ labels, samples }) => [Object.fromEntries(labels)['type'], samples[0]]),
    );
    for (const [type, value] of Object.entries(values)) assert.equal(found.get(type)?.value, value);
    assert.ok(Number.isNaN(found.get('nan')?.value) && found.get('nan')?.bits !== STALE_BITS);
  },
  async zero_timestamp({ open }) {
    const received = await (await open(ANY_AGE)).pushOne([family('m', 42)], { atMs: 0 });
    assert.equal(received.one('m').timestampMs, 0);
  },
  async future_timestamp({ open }) {
    const atMs = Date.now() + 24 * 3_600_000;
    assert.equal((await (await open()).pushOne([family('m', 42)], { atMs })).one('m').timestampMs, atMs);
  },
  async metric_name_with_colons({ open }) {
    const name = 'http:request:duration:seconds';
    assert.equal((await (await open()).pushOne([family(name, 0.5)])).one(name).value, 0.5);
  },
  async stale_marker({ open }) {
    const sender = await open();
    const atMs = Date.now();
    const before = await sender.pushOne([family('m', 42), family('other', 1)], { atMs });
    const after = await sender.pushOne([family('other', 2)], { atMs: atMs + 1 });
    const { bits, timestampMs, labels } = after.one('m');
    assert.deepEqual([bits, timestampMs, labels], [STALE_BITS, atMs + 1, before.one('m').labels]);
    assert.equal(after.one('other').value, 2);
    await sender.line.close(5000);
    const end = new Received(sender.pushes.at(-1) ?? assert.fail());
    assert.deepEqual([end.series.length, end.one('other').bits], [1, STALE_BITS]);
  },
  async mixed_sample_and_histogram_families({ open }) {
    const received = await (await open()).pushOne(MIXED);
    assert.equal(received.series.length, MIXED_SERIES);
    assertValues(received, 'http_requests_total', [5000, 1000]);
    assertValues(received, 'http_request_duration_seconds_bucket', [100, 200, 450, 480, 500]);
  },
  async RobustnessUnderLoad({ open }) {
    const sender = await open();
    for (let i = 0; i < 20; i++) await sender.hand(MIXED, { flows: manyFlows(200) });
    await sender.settled();
    sender.assertBooks(20 * (MIXED_SERIES + 800));
  },
});

const CALLS = family(
  'api_calls_total',
  [
    [{ service: 'auth', method: 'POST', endpoint: '/login', region: 'us-east', status: '200' }, 1000],
    [{ service: 'auth', method: 'POST', endpoint: '/logout', region: 'us-east', status: '200' }, 500],
    [{ service: 'users', method: 'GET', endpoint: '/profile', region: 'eu-west', status: '200' }, 2000],
  ],
  { type: 'counter', help: 'Total API calls with detailed labels' },
);

async function pushCalls({ open }: CaseContext): Promise<Received> {
  return (await open()).pushOne([CALLS]);
}

runCases('combined', {
  samples_with_metadata: inVersion2(async (context) => {
    for (const { samples, metadata } of (await pushCalls(context)).named('api_calls_total')) {
      assert.equal(samples.length, 1);
      assert.deepEqual(metadata, { type: 1, help: CALLS.help, unit: '' });
    }
  }),
  // Without exemplars, of which there are none.
  histogram_with_metadata_and_exemplars: inVersion2(async ({ open }) => {
    const one = histogram(
      'request_duration_seconds',
      [
        ['0.1', 100],
        ['+Inf', 1000],
      ],
      450.5,
      'Duration',
    );
    const received = await (await open()).pushOne([one]);
    for (const { metadata } of received.series) {
      assert.deepEqual(metadata, { type: 3, help: 'Duration', unit: 'seconds' });
    }
  }),
  async multiple_metric_types({ open }) {
    const received = await (await open()).pushOne(MIXED);
    assert.equal(received.one('process_cpu_seconds_total').value, 45.67);
    assert.equal(received.one('process_resident_memory_bytes').value, 2_097_152);
    assert.equal(received.one('http_request_duration_seconds_count').value, 500);
  },
  async high_cardinality_labels({ open }) {
    const received = await (await open()).pushOne([family('http_requests_total', manyValues(60))]);
    assert.equal(received.named('http_requests_total').length, 60);
  },
  async complete_metric_family({ open }) {
    const received = await (await open()).pushOne(MIXED);
    const names = received.series.map(({ labels }) => nameOf(labels) ?? '');
    assert.deepEqual(
      names.filter((name) => name.startsWith('http_request_duration_seconds')),
      [...Array<string>(5).fill('bucket'), 'sum', 'count'].map(
        (part) => `http_request_duration_seconds_${part}`,
      ),
    );
  },
  async mixed_labels_and_metadata(context) {
    const received = await pushCalls(context);
    const found = received.named('api_calls_total').map(({ labels, samples }) => {
      const all = Object.fromEntries(labels);
      return [all['service'], all['endpoint'], all['region'], samples[0]?.value];
    });
    assert.deepEqual(found, [
      ['auth', '/login', 'us-east', 1000],
      ['auth', '/logout', 'us-east', 500],
      ['users', '/profile', 'eu-west', 2000],
    ]);
    const isVersion2 = context.version === 'remote_write_2';
    assert.ok(received.series.every(({ metadata }) => (metadata?.help === CALLS.help) === isVersion2));
  },
  async real_world_scenario({ open }) {
    const sender = await open();
    const received = await sender.pushOne(MIXED, { flows: FIXED_FLOWS });
    for (const { labels, samples } of received.series) {
      assert.notEqual(nameOf(labels) ?? '', '');
      assert.equal(samples.length, 1);
    }
    sender.assertBooks(MIXED_SERIES + 4 * FIXED_FLOWS.length);
  },
});
