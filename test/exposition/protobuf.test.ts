// SPDX-License-Identifier: Apache-2.0
// PrometheusProto says what the text says, and since when counters count. Read back by protobufjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkPool } from '../../src/exposition/chunk-pool.js';
import { createFlowTailRenderer } from '../../src/exposition/remote-write/flow-tail.js';
import { type ExpositionInput, renderExposition } from '../../src/exposition/render-exposition.js';
import type { Family } from '../../src/metrics/definition.js';
import { createFlowLabelFields } from '../../src/metrics/flow-label-fields.js';
import {
  anyFamilies,
  anyFlows,
  createSnapshot,
  labelsKey,
  STARTED_MS,
} from '../support/exposition/encoder-fixture.js';
import {
  createdMs,
  decodeFamilies,
  type ProtoHistogram,
  samplesOf,
} from '../support/exposition/prometheus-proto.js';
import { FIXED_FLOWS, FIXED_LABELS } from '../support/exposition/series-fixture.js';
import { parseText } from '../support/exposition/text-grammar.js';
import { fixedFamilies } from '../support/metrics/fixed-metrics.js';

const STARTS = {
  startedMs: STARTED_MS,
  flowLabels: createFlowTailRenderer(createFlowLabelFields(FIXED_LABELS), []),
  openmetricsCreated: false,
};

async function render(input: ExpositionInput, chunkBytes = 4096): Promise<Buffer> {
  const parts = { yieldToLoop: async () => undefined, pool: new ChunkPool(chunkBytes) };
  const { chunks, bytes } = await renderExposition('protobuf', input, parts, STARTS);
  const whole = Buffer.concat(chunks);
  assert.equal(whole.length, bytes);
  return whole;
}

/** What the text of the same input says. */
async function textSamples(input: ExpositionInput): Promise<Map<string, number>> {
  const { chunks } = await renderExposition('text', input, { yieldToLoop: async () => undefined });
  const samples = new Map<string, number>();
  for (const family of parseText(Buffer.concat(chunks).toString())) {
    for (const { name, labels, value } of family.samples) {
      const numbered = [...labels].map(([label, text]): [string, string] =>
        label === 'le'
          ? [label, String(text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text))]
          : [label, text],
      );
      // Without empty ones, which are as good as none.
      const filled = numbered.filter(([, text]) => text !== '');
      samples.set(labelsKey([...filled, ['__name__', name]]), value);
    }
  }
  return samples;
}

function filled(samples: Map<string, number>): Map<string, number> {
  const pairs = [...samples].map(([key, value]): [string, number] => {
    const labels = (JSON.parse(key) as [string, string][]).filter(([, text]) => text !== '');
    return [labelsKey(labels), value + 0]; // text has no sign of zero
  });
  return new Map(pairs);
}

test('all metrics of a fixed snapshot have the names, types, labels and values of the text', async () => {
  const input = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  const families = decodeFamilies(await render(input));
  assert.deepEqual(filled(samplesOf(families)), await textSamples(input));
  const types = new Map(families.map(({ name, type }) => [name, type]));
  for (const { name, type, help } of input.families) {
    assert.equal(types.get(name), type === 'info' ? 'GAUGE' : type.toUpperCase(), name);
    assert.equal(families.find((one) => one.name === name)?.help, help);
  }
  assert.equal(families.find(({ name }) => name === 'xtrace_network_bytes_total')?.unit, 'bytes');
});

test('any flows and families, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyFlows,
      anyFamilies,
      fc.integer({ min: 1, max: 5000 }),
      async (flows, any, chunkBytes) => {
        const input = createSnapshot(flows, any);
        assert.deepEqual(
          filled(samplesOf(decodeFamilies(await render(input, chunkBytes)))),
          await textSamples(input),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('counters and histograms say since when they count, others and those of devices do not', async () => {
  const input = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  const starts = new Map(
    decodeFamilies(await render(input)).map(({ name, metric }) => [name, metric.map(createdMs)] as const),
  );
  for (const started of starts.get('xtrace_network_bytes_total') ?? []) {
    assert.equal(started, STARTED_MS + 1000, 'a flow: when its series began');
  }
  assert.deepEqual(new Set(starts.get('xtrace_network_flow_bytes')), new Set([undefined]));
  assert.deepEqual(new Set(starts.get('xtrace_other_bytes_total')), new Set([STARTED_MS]));
  assert.deepEqual(new Set(starts.get('xtrace_refresh_duration_seconds')), new Set([STARTED_MS]));
  assert.deepEqual(new Set(starts.get('xtrace_rdma_port_received_bytes_total')), new Set([undefined]));
  const [pair] = starts.get('xtrace_roce_packets_total') ?? [];
  assert.ok(pair !== undefined && pair !== STARTED_MS, 'a pair: when it began');
});

/** Buckets of a native histogram by index, as a scraper reads spans and deltas. */
function readBuckets({ positiveSpan, positiveDelta }: ProtoHistogram): Map<number, number> {
  const buckets = new Map<number, number>();
  let index = 0;
  let count = 0;
  const deltas = [...positiveDelta];
  for (const { offset, length } of positiveSpan) {
    index += offset;
    for (let i = 0; i < length; i++) {
      count += deltas.shift() ?? Number.NaN;
      buckets.set(index++, count);
    }
  }
  assert.deepEqual(deltas, []);
  return buckets;
}

test('histograms are native ones, too', async () => {
  const families = decodeFamilies(await render(createSnapshot([], await fixedFamilies())));
  const histograms = families.filter(({ type }) => type === 'HISTOGRAM');
  assert.ok(histograms.length >= 4);
  for (const { name, metric } of histograms) {
    for (const { histogram } of metric) {
      assert.ok(histogram !== undefined);
      const counts = [...readBuckets(histogram).values()];
      assert.ok(
        counts.every((count) => count > 0),
        name,
      );
      const sum = counts.reduce((total, count) => total + count, histogram.zeroCount ?? 0);
      assert.equal(sum, histogram.sampleCount, name);
      assert.ok((histogram.zeroThreshold ?? 0) > 0, name);
    }
  }
  const push = histograms.find(({ name }) => name === 'xtrace_push_request_duration_seconds')?.metric[0]
    ?.histogram;
  assert.deepEqual(
    readBuckets(push ?? assert.fail()),
    new Map([
      [-40, 4],
      [-1, 3],
      [20, 2],
    ]),
  );
});

test('any native buckets come through spans and deltas', async () => {
  const anyBuckets = fc.array(
    fc.tuple(fc.integer({ min: -80, max: 64 }), fc.integer({ min: 1, max: 2 ** 50 })),
  );
  await fc.assert(
    fc.asyncProperty(
      anyBuckets,
      fc.nat(),
      fc.integer({ min: -4, max: 8 }),
      async (pairs, zeroCount, schema) => {
        const buckets = new Map(pairs);
        const native = { schema, zeroThreshold: 0.5, zeroCount, buckets };
        const family: Family = {
          name: 'x',
          help: 'h',
          type: 'histogram',
          samples: [
            { suffix: '_sum', labels: [], value: 1 },
            { suffix: '_count', labels: [], value: 9, native },
          ],
        };
        const [decoded] = decodeFamilies(await render({ ...createSnapshot([]), families: [family] }));
        const histogram = decoded?.metric[0]?.histogram ?? assert.fail();
        assert.deepEqual(readBuckets(histogram), new Map([...buckets].sort(([a], [b]) => a - b)));
        assert.deepEqual([histogram.schema, histogram.zeroCount], [schema, zeroCount]);
      },
    ),
  );
});

test('a start is exact to the millisecond, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: Date.UTC(2200, 0) }), async (startedMs) => {
      const family: Family = {
        name: 'x_total',
        help: 'h',
        type: 'counter',
        samples: [{ suffix: '', labels: [['a', 'b']], value: 2 ** 53 - 1, startedMs }],
      };
      const [decoded] = decodeFamilies(await render({ ...createSnapshot([]), families: [family] }));
      assert.equal(createdMs(decoded?.metric[0] ?? { label: [] }), startedMs);
    }),
  );
});

test('a family without samples is left out', async () => {
  const families: Family[] = [{ name: 'x_total', help: 'h', type: 'counter', samples: [] }];
  assert.equal((await render({ ...createSnapshot([]), families })).length, 0);
});
