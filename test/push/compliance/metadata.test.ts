// SPDX-License-Identifier: Apache-2.0
// Types, helps and units, and classic histograms.

import assert from 'node:assert/strict';
import { FIXED_FLOWS } from '../../support/exposition/series-fixture.js';
import { decompress } from '../../support/receivers/push-receiver.js';
import { type CaseContext, inVersion2, runCases } from './case-runner.js';
import { family, histogram, MIXED } from './families.js';
import type { Received } from './sender-under-test.js';
import { fieldsOf, SHAPE_V1, SHAPE_V2 } from './wire-fields.js';

const TYPE = { counter: 1, gauge: 2, histogram: 3 } as const;

function helpArrives(help: string) {
  return inVersion2(async ({ open }) => {
    assert.equal((await (await open()).pushOne([family('m', 42, { help })])).one('m').metadata?.help, help);
  });
}

runCases('metadata', {
  metadata_type_counter: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS });
    for (const name of ['http_requests_total', 'xtrace_network_bytes_total']) {
      for (const { metadata } of received.named(name)) assert.equal(metadata?.type, TYPE.counter);
    }
  }),
  metadata_type_gauge: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS });
    for (const name of ['process_resident_memory_bytes', 'xtrace_network_flow_bytes', 'app_info']) {
      for (const { metadata } of received.named(name)) assert.equal(metadata?.type, TYPE.gauge);
    }
  }),
  metadata_type_histogram: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED);
    for (const suffix of ['bucket', 'sum', 'count']) {
      for (const { metadata } of received.named(`http_request_duration_seconds_${suffix}`)) {
        assert.equal(metadata?.type, TYPE.histogram);
      }
    }
  }),
  metadata_help_text: helpArrives('Total HTTP requests'),
  metadata_unit: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED);
    const unitOf = (name: string) => received.named(name)[0]?.metadata?.unit;
    assert.deepEqual(
      ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'http_requests_total'].map(unitOf),
      ['bytes', 'seconds', ''],
    );
  }),
  metadata_help_with_newlines: helpArrives('first line\nsecond line\r\n'),
  metadata_help_with_special_chars: helpArrives('"quotes", \\backslashes\\, 🚀 测试 yolo/d'),
  metadata_help_refs_valid: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS });
    // decodeRequestV2() throws for a number that is no symbol's.
    assert.ok(received.request.series.every(({ metadata }) => metadata !== undefined));
  }),
  metadata_consistent_across_series: inVersion2(async ({ open }) => {
    const series = (await (await open()).pushOne(MIXED)).named('http_requests_total');
    assert.equal(series.length, 2);
    assert.deepEqual(series[0]?.metadata, series[1]?.metadata);
  }),
  metadata_empty_help_allowed: inVersion2(async ({ open }) => {
    const { metadata, value } = (await (await open()).pushOne([family('m', 42)])).one('m');
    assert.deepEqual([metadata, value], [{ type: TYPE.gauge, help: '', unit: '' }, 42]);
  }),
});

const DURATION = histogram(
  'h_seconds',
  [
    ['0.1', 10],
    ['0.5', 50],
    ['1', 100],
    ['5', 200],
    ['+Inf', 250],
  ],
  500.5,
);

async function pushHistogram({ open }: CaseContext, one = DURATION, atMs = Date.now()): Promise<Received> {
  return (await open()).pushOne([one], { atMs });
}

runCases('histograms', {
  async native_histogram_structure(context) {
    const received = await pushHistogram(context);
    assert.equal(received.named('h_seconds_bucket').length, 5);
    assert.equal(received.series.length, 7);
  },
  async histogram_count_present(context) {
    assert.equal((await pushHistogram(context)).one('h_seconds_count').value, 250);
  },
  async histogram_sum_present(context) {
    assert.equal((await pushHistogram(context)).one('h_seconds_sum').value, 500.5);
  },
  async histogram_buckets_ordered(context) {
    const buckets = (await pushHistogram(context)).named('h_seconds_bucket');
    assert.deepEqual(
      buckets.map(({ labels, samples }) => [Object.fromEntries(labels)['le'], samples[0]?.value]),
      [
        ['0.1', 10],
        ['0.5', 50],
        ['1', 100],
        ['5', 200],
        ['+Inf', 250],
      ],
    );
  },
  async histogram_timestamp(context) {
    const atMs = Date.now();
    for (const { samples } of (await pushHistogram(context, DURATION, atMs)).series) {
      assert.equal(samples[0]?.timestampMs, atMs);
    }
  },
  async histogram_no_mixed_with_samples(context) {
    const received = await pushHistogram(context);
    const isVersion1 = context.version === 'remote_write_1';
    const fields = fieldsOf(decompress(received.push), isVersion1 ? SHAPE_V1 : SHAPE_V2);
    assert.ok(fields.has(isVersion1 ? '1.2' : '5.2'), 'samples');
    assert.ok(!fields.has(isVersion1 ? '1.4' : '5.3'), 'native histograms');
  },
  async histogram_empty_buckets(context) {
    const received = await pushHistogram(
      context,
      histogram(
        'h_seconds',
        [
          ['1', 0],
          ['+Inf', 0],
        ],
        0,
      ),
    );
    assert.deepEqual(
      received.series.map(({ samples }) => samples[0]?.value),
      [0, 0, 0, 0],
    );
  },
  async histogram_large_counts(context) {
    const received = await pushHistogram(context, histogram('h_seconds', [['+Inf', 1e9]], 5e9));
    assert.equal(received.one('h_seconds_count').value, 1e9);
    assert.equal(received.one('h_seconds_bucket').value, 1e9);
  },
});
