// SPDX-License-Identifier: Apache-2.0
// Values and times as a receiver gets them.

import assert from 'node:assert/strict';
import { FIXED_FLOWS } from '../../support/exposition/series-fixture.js';
import { STALE_BITS } from '../../support/receivers/remote-write-protos.js';
import { type CaseContext, inVersion2, runCases } from './case-runner.js';
import { family, histogram, MIXED } from './families.js';
import { Received, type SenderUnderTest } from './sender-under-test.js';

const MINUTES_5 = 5 * 60_000;
/** Any year: nothing is too old to be sent. */
const ANY_AGE = { push: { maxAgeMs: Number.MAX_SAFE_INTEGER } };

function encodes(value: number, bits?: string) {
  return async ({ open }: CaseContext): Promise<void> => {
    const sample = (await (await open()).pushOne([family('m', value)])).one('m');
    assert.equal(sample.value, value);
    if (bits !== undefined) assert.equal(sample.bits, bits);
  };
}

const counter = (value: number) => family('m_total', value, { type: 'counter' });

/** The samples of m_total over all requests, in the order in which they came. */
function samplesOf(sender: SenderUnderTest) {
  return sender.pushes.map((push) => new Received(push).one('m_total'));
}

function assertAscending(times: readonly number[]): void {
  assert.deepEqual(
    times,
    [...new Set(times)].sort((a, b) => a - b),
    'times must go up',
  );
}

/** Refreshes while the receiver fails now and then; all arrive, in order. */
async function pushThroughFailures({ open }: CaseContext): Promise<readonly number[]> {
  const taken: number[] = [];
  const sender = await open({
    reply: (push, index) => {
      if (index % 3 !== 2) return { status: 503 };
      taken.push(new Received(push).one('m_total').timestampMs);
      return undefined;
    },
  });
  const startMs = Date.now();
  for (let i = 0; i < 6; i++) await sender.hand([counter(i)], { atMs: startMs + i * 1000 });
  await sender.settled();
  sender.assertBooks(6);
  assert.deepEqual(
    taken,
    Array.from({ length: 6 }, (_, i) => startMs + i * 1000),
  );
  // A try again brings the same sample, never a later one before it.
  const seen = samplesOf(sender).map(({ timestampMs }) => timestampMs);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  return taken;
}

runCases('samples', {
  float_value_encoding: encodes(123.45),
  integer_value_encoding: encodes(42, '4045000000000000'),
  zero_value_encoding: encodes(0, '0000000000000000'),
  negative_value_encoding: encodes(-15.5),
  positive_infinity_encoding: encodes(Number.POSITIVE_INFINITY),
  negative_infinity_encoding: encodes(Number.NEGATIVE_INFINITY),
  async nan_encoding({ open }) {
    const { value, bits } = (await (await open()).pushOne([family('m', Number.NaN)])).one('m');
    assert.ok(Number.isNaN(value) && bits !== STALE_BITS, bits);
  },
  async timestamp_milliseconds_format({ open }) {
    const { timestampMs } = (await (await open()).pushOne([family('m', 42)])).one('m');
    assert.ok(timestampMs > 1e12 && timestampMs < 1e16, `${timestampMs}`);
  },
  async timestamp_recent({ open }) {
    for (const { samples } of (await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS })).series) {
      assert.ok(Math.abs((samples[0]?.timestampMs ?? 0) - Date.now()) < MINUTES_5);
    }
  },
  async multiple_samples_same_series({ open }) {
    const sender = await open();
    for (let i = 0; i < 3; i++) await sender.push([counter(i)]);
    const samples = samplesOf(sender);
    assert.deepEqual(
      samples.map(({ value }) => value),
      [0, 1, 2],
    );
    assert.equal(new Set(samples.map(({ labels }) => JSON.stringify(labels))).size, 1);
    assertAscending(samples.map(({ timestampMs }) => timestampMs));
  },
  large_float_values: encodes(Number.MAX_VALUE),
  small_float_values: encodes(2.2250738585072014e-308),
  scientific_notation: encodes(1.23e-4),
  precision_preservation: encodes(0.123456789012345),
  async job_instance_labels_present({ open }) {
    const sender = await open({ push: { instance: 'node-7:1' } });
    for (const { labels } of (await sender.pushOne(MIXED, { flows: FIXED_FLOWS })).series) {
      const all = Object.fromEntries(labels);
      assert.deepEqual([all['job'], all['instance']], ['xtrace-catch', 'node-7:1']);
    }
  },
  async SampleOrdering(context) {
    await pushThroughFailures(context);
  },
});

const startsOf = ({ series }: Received) =>
  series.flatMap(({ samples }) => samples.map(({ startMs, timestampMs }) => ({ startMs, timestampMs })));

runCases('timestamps', {
  async timestamp_int64_milliseconds({ open }) {
    const sender = await open(ANY_AGE);
    for (const atMs of [1e12 + 1, 2 ** 41 + 1, 2 ** 43 + 123]) {
      assert.equal((await sender.pushOne([counter(1)], { atMs })).one('m_total').timestampMs, atMs);
    }
  },
  async timestamp_ordering_within_series(context) {
    assertAscending(await pushThroughFailures(context));
  },
  start_timestamp_for_counters: inVersion2(async ({ open }) => {
    const beforeMs = Date.now();
    const sender = await open();
    const received = await sender.pushOne([counter(100)], { flows: FIXED_FLOWS, atMs: Date.now() + 1000 });
    const { startMs } = received.one('m_total');
    assert.ok(startMs >= beforeMs && startMs <= Date.now(), 'since the exporter started');
    for (const { samples } of received.named('xtrace_network_bytes_total')) {
      const since = samples[0]?.startMs ?? 0;
      assert.ok(since > 1e12 && since < beforeMs, 'since the flow was first seen');
    }
  }),
  start_timestamp_for_histograms: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne([histogram('h_seconds', [['+Inf', 100]], 250)], {
      atMs: Date.now() + 1000,
    });
    for (const suffix of ['bucket', 'sum', 'count'])
      assert.ok(received.one(`h_seconds_${suffix}`).startMs > 1e12);
  }),
  start_timestamp_zero_handling: inVersion2(async ({ open }) => {
    const received = await (await open()).pushOne(MIXED, { flows: FIXED_FLOWS, atMs: Date.now() + 1000 });
    for (const { startMs } of startsOf(received)) assert.ok(startMs === 0 || startMs > 1e12);
    assert.equal(received.one('process_resident_memory_bytes').startMs, 0, 'a gauge has no start');
  }),
  async timestamp_precision({ open }) {
    const sender = await open();
    const wholeMs = Math.floor(Date.now() / 1000) * 1000;
    for (const ms of [1, 7, 999]) {
      const { timestampMs } = (await sender.pushOne([counter(1)], { atMs: wholeMs + ms })).one('m_total');
      assert.equal(timestampMs % 1000, ms);
    }
  },
  async timestamp_future_values({ open }) {
    const atMs = Date.now() + MINUTES_5;
    assert.equal((await (await open()).pushOne([counter(1)], { atMs })).one('m_total').timestampMs, atMs);
  },
  start_timestamp_before_sample_timestamp: inVersion2(async ({ open }) => {
    const sender = await open(ANY_AGE);
    const startMs = Date.now();
    for (const atMs of [startMs + 60_000, startMs - 7_200_000]) {
      const received = await sender.pushOne(MIXED, { flows: FIXED_FLOWS, atMs });
      for (const one of startsOf(received)) assert.ok(one.startMs < one.timestampMs, JSON.stringify(one));
    }
  }),
});
