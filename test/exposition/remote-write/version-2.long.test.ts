// SPDX-License-Identifier: Apache-2.0
// What only remote write 2.0 has: symbols, metadata, starts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CATALOG } from '../../../src/metrics/catalog.js';
import type { MetricDefinition } from '../../../src/metrics/definition.js';
import {
  anyFamilies,
  anyFlows,
  collect,
  createEncoder,
  createSnapshot,
  gauge,
  receive,
  STARTED_MS,
  TIMESTAMP_MS,
} from '../../support/exposition/encoder-fixture.js';
import { FIXED_FLOWS } from '../../support/exposition/series-fixture.js';
import { fixedFamilies } from '../../support/metrics/fixed-metrics.js';
import { decodeRequestV2 } from '../../support/receivers/remote-write-protos.js';

function metric(name: string): MetricDefinition {
  const found = CATALOG.find((one) => one.name === name);
  assert.ok(found !== undefined, `no metric ${name}`);
  return found;
}

test('2.0: symbols: "" first, each text once, all used; numbers in pairs and in range', async () => {
  await fc.assert(
    fc.asyncProperty(anyFlows, anyFamilies, fc.integer({ min: 1, max: 20 }), async (flows, families, max) => {
      const encoder = createEncoder({ format: 'remote_write_2', maxSamplesPerBatch: max });
      for (const { body } of await collect(encoder.encode(createSnapshot(flows, families), TIMESTAMP_MS))) {
        const { symbols, refs, series } = decodeRequestV2(body);
        assert.equal(symbols[0], '');
        assert.equal(new Set(symbols).size, symbols.length, 'a symbol twice');
        for (const numbers of refs) {
          assert.equal(numbers.length % 2, 0);
          assert.ok(numbers.every((number) => number > 0 && number < symbols.length));
        }
        const used = new Set(
          series.flatMap(({ labels, metadata }) => [...labels.flat(), metadata?.help, metadata?.unit]),
        );
        assert.deepEqual(
          symbols.slice(1).filter((symbol) => !used.has(symbol)),
          [],
        );
      }
    }),
  );
});

test('2.0: many symbols in one request, found again among thousands', async () => {
  const families = Array.from({ length: 50 }, (_, i) =>
    gauge(
      `x${i}`,
      ...Array.from({ length: 100 }, (_, j): [Record<string, string>, number] => [
        { a: `${i}/${j}`, b: `${j}` },
        j,
      ]),
    ),
  );
  const encoder = createEncoder({ format: 'remote_write_2', maxSamplesPerBatch: 100_000 });
  const [payload, ...others] = await collect(encoder.encode(createSnapshot([], families), TIMESTAMP_MS));
  assert.ok(payload !== undefined && others.length === 0);
  const { symbols, series } = decodeRequestV2(payload.body);
  assert.equal(series.length, 5000);
  assert.equal(new Set(symbols).size, symbols.length);
  assert.ok(symbols.length > 5000);
  assert.deepEqual(
    series.at(-1)?.labels.filter(([name]) => name === 'a' || name === 'b'),
    [
      ['a', '49/99'],
      ['b', '99'],
    ],
  );
});

test('2.0: type, help and unit of every series; starts of what counts', async () => {
  const snapshot = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  const encoder = createEncoder({ format: 'remote_write_2' });
  const received = receive(await collect(encoder.encode(snapshot, TIMESTAMP_MS)));
  const find = (name: string) => {
    const found = received.filter(({ labels }) =>
      labels.some(([label, value]) => label === '__name__' && value === name),
    );
    assert.ok(found.length > 0, name);
    return found;
  };
  for (const { name, help, startMs, type, unit } of [
    { ...metric('xtrace_network_bytes_total'), type: 1, unit: 'bytes', startMs: STARTED_MS + 1000 },
    { ...metric('xtrace_network_packets_total'), type: 1, unit: '', startMs: STARTED_MS + 1000 },
    { ...metric('xtrace_network_flow_bytes'), type: 2, unit: 'bytes', startMs: 0 },
    { ...metric('xtrace_interface_bytes_total'), type: 1, unit: 'bytes', startMs: STARTED_MS },
    { ...metric('xtrace_build_info'), type: 2, unit: '', startMs: 0 },
    { ...metric('xtrace_refresh_timestamp_seconds'), type: 2, unit: 'seconds', startMs: 0 },
    ...['_bucket', '_sum', '_count'].map((suffix) => ({
      ...metric('xtrace_refresh_duration_seconds'),
      name: `xtrace_refresh_duration_seconds${suffix}`,
      type: 3,
      unit: 'seconds',
      startMs: STARTED_MS,
    })),
  ]) {
    for (const series of find(name)) {
      assert.deepEqual(series.metadata, { type, help, unit }, name);
      assert.deepEqual(
        series.samples.map((sample) => sample.startMs),
        [startMs],
        name,
      );
    }
  }
});

test('2.0: a start that is not before its sample is not told', async () => {
  const encoder = createEncoder({ format: 'remote_write_2' });
  const received = receive(await collect(encoder.encode(createSnapshot(), STARTED_MS + 1000)));
  for (const { samples } of received) assert.equal(samples[0]?.startMs, 0);
});
