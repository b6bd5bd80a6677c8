// SPDX-License-Identifier: Apache-2.0
// The bytes of an exposition: golden files (UPDATE_GOLDEN=1 rewrites them), promtool, and reading
// back what was rendered.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { ChunkPool } from '../../src/exposition/chunk-pool.js';
import type { ExpositionFormat } from '../../src/exposition/dialect.js';
import { writeNumber } from '../../src/exposition/flow-series.js';
import { type ExpositionInput, renderExposition } from '../../src/exposition/render-exposition.js';
import type { Family } from '../../src/metrics/definition.js';
import { type FlowFamilies, flowFamilies } from '../../src/metrics/flow-families.js';
import { createFlowLabelRenderer } from '../../src/metrics/flow-labels.js';
import {
  createManySeries,
  createSeries,
  FIXED_FLOWS,
  FIXED_LABELS,
  type FlowSpec,
} from '../support/exposition/series-fixture.js';
import { parseOpenMetrics, parseText } from '../support/exposition/text-grammar.js';
import { fixedFamilies } from '../support/metrics/fixed-metrics.js';

// dist/test/exposition -> the source tree
const GOLDEN = fileURLToPath(new URL('../../../test/exposition/golden/', import.meta.url));
const FORMATS: readonly ExpositionFormat[] = ['text', 'openmetrics'];
const NO_FLOWS: FlowFamilies = flowFamilies(createManySeries(0));

async function fixedInput(): Promise<ExpositionInput> {
  const series = createSeries(FIXED_FLOWS, createFlowLabelRenderer(FIXED_LABELS));
  return { families: await fixedFamilies(), flows: flowFamilies(series) };
}

async function renderText(
  format: ExpositionFormat,
  input: ExpositionInput,
  chunkBytes = 4096,
): Promise<string> {
  const { chunks, bytes } = await renderExposition(format, input, {
    yieldToLoop: async () => undefined,
    pool: new ChunkPool(chunkBytes),
  });
  const whole = Buffer.concat(chunks);
  assert.equal(whole.length, bytes);
  return whole.toString();
}

for (const format of FORMATS) {
  test(`the ${format} exposition of a fixed snapshot is the golden one`, async () => {
    const actual = await renderText(format, await fixedInput());
    const file = path.join(GOLDEN, `${format}.txt`);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });

  test(`the ${format} exposition is the same whatever the size of a chunk`, async () => {
    const input = await fixedInput();
    const expected = await renderText(format, input, 1 << 20);
    for (const chunkBytes of [1, 100, 333, 1000])
      assert.equal(await renderText(format, input, chunkBytes), expected);
  });
}

test('promtool finds nothing to say', async (t) => {
  const input = await renderText('text', await fixedInput());
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input,
    encoding: 'utf8',
  });
  if (error !== undefined && process.env['CI'] !== 'true') {
    t.skip('SKIPPED: promtool is not installed (Debian package prometheus); the names were not checked');
    return;
  }
  assert.ifError(error);
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
});

test('both formats show the same samples, under the names each wants', async () => {
  const input = await fixedInput();
  const text = parseText(await renderText('text', input));
  const openMetrics = parseOpenMetrics(await renderText('openmetrics', input));
  assert.deepEqual(
    openMetrics.map(({ samples }) => samples),
    text.map(({ samples }) => samples),
  );
  const shapes = openMetrics.map(({ name, type, unit }) => [name, type, unit]);
  assert.deepEqual(
    [
      'xtrace_network_bytes',
      'xtrace_network_flow_packets',
      'xtrace_build',
      'xtrace_refresh_timestamp_seconds',
    ].map((wanted) => shapes.find(([name]) => name === wanted)),
    [
      ['xtrace_network_bytes', 'counter', 'bytes'],
      ['xtrace_network_flow_packets', 'gauge', undefined],
      ['xtrace_build', 'info', undefined],
      ['xtrace_refresh_timestamp_seconds', 'gauge', 'seconds'],
    ],
  );
});

test('without any flow the flow metrics are still declared', async () => {
  const input = { families: [], flows: NO_FLOWS };
  for (const families of [
    parseText(await renderText('text', input)),
    parseOpenMetrics(await renderText('openmetrics', input)),
  ]) {
    assert.equal(families.length, 4);
    for (const { samples } of families) assert.deepEqual(samples, []);
  }
});

test('any family reads back as it was: help, labels, values', async () => {
  const anyText = fc.string({ unit: 'binary' });
  const sample = fc.record({ value: fc.double(), label: anyText, other: anyText });
  const family = fc
    .record({
      help: anyText,
      samples: fc.uniqueArray(sample, { selector: ({ label }) => label, maxLength: 4 }),
    })
    .map(
      ({ help, samples }): Family => ({
        name: 'x_ratio',
        help,
        type: 'gauge',
        samples: samples.map(({ value, label, other }) => ({
          suffix: '',
          labels: [
            ['a', label],
            ['b', other],
          ],
          value,
        })),
      }),
    );
  await fc.assert(
    fc.asyncProperty(family, async (expected) => {
      const input = { families: [expected], flows: NO_FLOWS };
      for (const [actual] of [
        parseText(await renderText('text', input)),
        parseOpenMetrics(await renderText('openmetrics', input)),
      ]) {
        assert.equal(actual?.help, expected.help);
        assert.deepEqual(
          actual?.samples.map(({ labels, value }) => [[...labels], value]),
          // -0 is written as 0
          expected.samples.map(({ labels, value }) => [labels, value === 0 ? 0 : value]),
        );
      }
    }),
  );
});

test('any flows read back as they were: one line a flow and metric, in order', async () => {
  const count = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.constantFrom(0, 999_999_999, 1_000_000_000, 2 ** 53 - 1),
  );
  const spec = fc
    .record({
      src: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      counts: fc.tuple(count, count, count, count),
    })
    .map(({ src, counts }): FlowSpec => ({ ...FIXED_FLOWS[0], src: [...src], counts }));
  const specs = fc.uniqueArray(spec, { selector: ({ src }) => src.join('.'), maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(specs, fc.integer({ min: 1, max: 2000 }), async (flows, chunkBytes) => {
      const series = createSeries(flows, createFlowLabelRenderer(FIXED_LABELS));
      const families = parseText(
        await renderText('text', { families: [], flows: flowFamilies(series) }, chunkBytes),
      );
      // The order of counts in a spec against the order of families.
      for (const [index, column] of [1, 0, 3, 2].entries()) {
        assert.deepEqual(
          families[index]?.samples.map(({ labels, value }) => [labels.get('src_ip'), value]),
          flows.map(({ src, counts }) => [src.join('.'), counts[column]]),
        );
      }
    }),
  );
});

test('writeNumber writes every double so that it reads back', () => {
  const out = Buffer.alloc(64);
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.maxSafeNat(), fc.maxSafeInteger()), (value) => {
      const text = out.toString('latin1', 5, writeNumber(out, 5, value));
      if (Number.isNaN(value)) assert.equal(text, 'NaN');
      else assert.equal(Number(text.replace('Inf', 'Infinity')), value === 0 ? 0 : value);
      if (Number.isSafeInteger(value) && value >= 0) assert.match(text, /^\d+$/);
    }),
    {
      numRuns: 2000,
      examples: [[1e9 - 1], [1e9], [1e15 + 7], [2 ** 53], [-1], [0.5], [Number.POSITIVE_INFINITY]],
    },
  );
});

test('the event loop gets a turn for every chunk, so that no stretch renders more than one', async () => {
  const chunkBytes = 64 * 1024;
  let turns = 0;
  const input = { families: [], flows: flowFamilies(createManySeries(5000)) };
  const { chunks } = await renderExposition('text', input, {
    yieldToLoop: async () => {
      turns++;
    },
    pool: new ChunkPool(chunkBytes),
  });
  assert.ok(chunks.length > 50);
  for (const chunk of chunks) assert.ok(chunk.length <= chunkBytes);
  // A chunk may also start where a header meets the end of the one before it.
  assert.ok(turns >= chunks.length - 1 - 4, `${turns} turns for ${chunks.length} chunks`);
});

function manySamples(count: number): Family {
  const samples = Array.from({ length: count }, (_, i) => ({
    suffix: '',
    labels: [['i', String(i)]] as const,
    value: i,
  }));
  return { name: 'x_ratio', help: '', type: 'gauge', samples };
}

test('the event loop gets its turns within a family and between families', async () => {
  for (const families of [[manySamples(20_000)], new Array<Family>(2000).fill(manySamples(10))]) {
    let turns = 0;
    await renderExposition(
      'text',
      { families, flows: NO_FLOWS },
      {
        yieldToLoop: async () => {
          turns++;
        },
      },
    );
    assert.ok(turns >= 100, `${turns} turns for 20,000 samples in ${families.length} families`);
  }
});

test('a rendering of families can be aborted too', async () => {
  const cancel = new AbortController();
  const rendering = renderExposition(
    'text',
    { families: [manySamples(20_000)], flows: NO_FLOWS },
    { yieldToLoop: async () => cancel.abort(new Error('nobody waits')), signal: cancel.signal },
  );
  await assert.rejects(rendering, /nobody waits/);
});

test('an aborted rendering stops at the next turn', async () => {
  const cancel = new AbortController();
  const pool = new ChunkPool(4096);
  let turns = 0;
  const input = { families: [], flows: flowFamilies(createManySeries(5000)) };
  const rendering = renderExposition('text', input, {
    yieldToLoop: async () => {
      if (++turns === 3) cancel.abort(new Error('nobody waits'));
    },
    signal: cancel.signal,
    pool,
  });
  await assert.rejects(rendering, /nobody waits/);
  assert.equal(turns, 3);
  assert.ok(pool.free >= 3, 'its chunks wait for the next one');
});
