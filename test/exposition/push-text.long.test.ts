// SPDX-License-Identifier: Apache-2.0
// The text that is pushed: the lines of /metrics, with external labels and a timestamp each.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPushEncoder } from '../../src/exposition/push-encoder.js';
import { renderExposition } from '../../src/exposition/render-exposition.js';
import { flowFamilies } from '../../src/metrics/flow-families.js';
import {
  anyExternal,
  anyFamilies,
  anyFlows,
  collect,
  createEncoder,
  createSnapshot,
  EXTERNAL,
  expectedSeries,
  gauge,
  labelsKey,
  OPTIONS,
  TIMESTAMP_MS,
} from '../support/exposition/encoder-fixture.js';
import { parseSampleLine } from '../support/exposition/sample-line.js';
import { createManySeries, FIXED_FLOWS } from '../support/exposition/series-fixture.js';
import { fixedFamilies } from '../support/metrics/fixed-metrics.js';

const TIMED_LINE = /^(.*) (-?\d+)$/s;

/** Lines without their timestamp, which is checked. */
function untimedLines(body: Buffer, timestampMs: number): string[] {
  const lines = body.toString().split('\n');
  assert.equal(lines.pop(), '', 'the body ends with a line feed');
  return lines.map((line) => {
    const [, text = '', timestamp] = TIMED_LINE.exec(line) ?? [];
    assert.equal(timestamp, String(timestampMs), line);
    return text;
  });
}

test('the event loop gets its turns within a payload', async () => {
  let turns = 0;
  const encoder = createPushEncoder(
    { ...OPTIONS, format: 'text', maxSamplesPerBatch: 100_000 },
    {
      yieldToLoop: async () => {
        turns++;
      },
    },
  );
  const many = Array.from({ length: 5000 }, (_, i): [Record<string, string>, number] => [
    { i: String(i) },
    i,
  ]);
  const payloads = await collect(encoder.encode(createSnapshot([], [gauge('x', ...many)]), TIMESTAMP_MS));
  assert.equal(payloads.length, 1);
  assert.ok(turns >= 25, `${turns} turns`);
});

test('the series, labels and values of /metrics, each line with the timestamp, in bounded payloads', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyFlows,
      anyFamilies,
      anyExternal,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 4000 }),
      async (flows, families, external, maxSamplesPerBatch, maxBatchBytes) => {
        const snapshot = createSnapshot(flows, families);
        const encoder = createEncoder({
          format: 'text',
          externalLabels: external,
          maxSamplesPerBatch,
          maxBatchBytes,
        });
        const series: [string, number][] = [];
        for (const payload of await collect(encoder.encode(snapshot, TIMESTAMP_MS))) {
          assert.deepEqual([payload.format, payload.timestampMs], ['text', TIMESTAMP_MS]);
          const lines = untimedLines(payload.body, TIMESTAMP_MS);
          assert.equal(lines.length, payload.samples);
          assert.ok(lines.length >= 1 && lines.length <= maxSamplesPerBatch);
          assert.ok(lines.length === 1 || payload.body.length <= maxBatchBytes);
          for (const line of lines) {
            const { name, labels, value } = parseSampleLine(line); // refuses a label twice
            const filled = [...labels, ['__name__', name] as const].filter(([, text]) => text !== '');
            series.push([labelsKey(filled), value]);
          }
        }
        const expected = await expectedSeries(snapshot, external);
        assert.equal(series.length, expected.size);
        assert.deepEqual(new Map(series), expected);
      },
    ),
  );
});

test('without external labels and timestamps it is the body of /metrics without its headers', async () => {
  const snapshot = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  const { chunks } = await renderExposition('text', snapshot, { yieldToLoop: async () => undefined });
  const scraped = Buffer.concat(chunks).toString().split('\n');
  const encoder = createEncoder({ format: 'text', externalLabels: [] });
  const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
  assert.deepEqual(
    payloads.flatMap(({ body }) => untimedLines(body, TIMESTAMP_MS)),
    scraped.filter((line) => line !== '' && !line.startsWith('#')),
  );
});

test('job and instance follow the labels of a line', async () => {
  const [payload] = await collect(
    createEncoder({ format: 'text' }).encode(createSnapshot(FIXED_FLOWS.slice(0, 1)), TIMESTAMP_MS),
  );
  const external = EXTERNAL.map(([name, value]) => `${name}="${value}"`);
  const [line = ''] = payload?.body.toString().split('\n') ?? [];
  // mergeLabels() has sorted them.
  assert.ok(line.includes(`,${external.sort().join(',')}} 65536 ${TIMESTAMP_MS}`), line);
});

test('the loop gets a turn for every payload', async () => {
  const encoder = createEncoder({ format: 'text' });
  const snapshot = { families: [], flows: flowFamilies(createManySeries(10_000)) };
  const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
  assert.ok(payloads.length >= 20);
  for (const { body, samples } of payloads) assert.ok(body.length <= 512 * 1024 && samples <= 2000);
});

test('there is no marker for the end of a series in text', async () => {
  const encoder = createEncoder({ format: 'text' });
  await collect(encoder.encode(createSnapshot(), TIMESTAMP_MS));
  encoder.onSeriesEnd(1);
  assert.deepEqual(await collect(encoder.encode(createSnapshot([]), TIMESTAMP_MS + 1)), []);
  assert.deepEqual(await collect(encoder.staleAll(TIMESTAMP_MS + 2)), []);
});
