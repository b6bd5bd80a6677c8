// SPDX-License-Identifier: Apache-2.0
// The text in a gzip member that was written without it is the text of a rendering, byte for byte.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ChunkPool } from '../../src/exposition/chunk-pool.js';
import type { TextFormat } from '../../src/exposition/dialect.js';
import { GzipTextRenderer } from '../../src/exposition/gzip/gzip-text.js';
import { type ExpositionInput, renderExposition } from '../../src/exposition/render-exposition.js';
import { type FlowFamilies, flowFamilies } from '../../src/metrics/flow-families.js';
import { createFlowLabelRenderer } from '../../src/metrics/flow-labels.js';
import {
  createManySeries,
  createSeries,
  FIXED_FLOWS,
  FIXED_LABELS,
} from '../support/exposition/series-fixture.js';
import { fixedFamilies } from '../support/metrics/fixed-metrics.js';

const NEVER = new AbortController().signal;
const yieldToLoop = async (): Promise<void> => undefined;

async function renderBoth(
  format: TextFormat,
  input: ExpositionInput,
  renderer = new GzipTextRenderer(),
  pool = new ChunkPool(),
): Promise<{ member: Buffer; text: Buffer }> {
  const plain = await renderExposition(format, input, { yieldToLoop });
  const zipped = await renderer.render(format, input, { yieldToLoop, signal: NEVER, pool });
  assert.deepEqual(
    { format: zipped.format, bytes: zipped.bytes, restBytes: zipped.restBytes },
    { format, bytes: plain.bytes, restBytes: plain.restBytes },
  );
  const member = Buffer.concat(await zipped.member());
  pool.give(zipped.flowChunks);
  return { member, text: Buffer.concat(plain.chunks) };
}

async function assertSame(...args: Parameters<typeof renderBoth>): Promise<void> {
  const { member, text } = await renderBoth(...args);
  assert.ok(gunzipSync(member).equals(text), 'other text');
}

for (const format of ['text', 'openmetrics'] as const) {
  test(`${format}: the families and flows of the golden files`, async () => {
    const flows = flowFamilies(createSeries(FIXED_FLOWS, createFlowLabelRenderer(FIXED_LABELS)));
    await assertSame(format, { families: await fixedFamilies(), flows });
    await assertSame(format, { families: [], flows });
    await assertSame(format, { families: await fixedFamilies(), flows: flowFamilies(createManySeries(0)) });
    await assertSame(format, { families: [], flows: { ...flows, families: [] } });
  });
}

test('where no family of flows is asked for, no flow is looked at', async () => {
  const flows = flowFamilies(createManySeries(3));
  const rows = new Proxy(flows.rows, {
    get(target, name) {
      assert.notEqual(name, 'inUse', 'a flow was looked at');
      return Reflect.get(target, name) as unknown;
    },
  });
  const input = { families: await fixedFamilies(), flows: { families: [], rows } };
  const parts = { yieldToLoop, signal: NEVER, pool: new ChunkPool() };
  await new GzipTextRenderer().render('text', input, parts);
});

/** Flows with these labels, as they stand between braces, and values. */
function flowsOf(rows: readonly { labels: string; values: readonly number[] }[]): FlowFamilies {
  const texts = rows.map(({ labels }) => Buffer.from(labels));
  const offsets = texts.map((_, i) => texts.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const series = createManySeries(0);
  const template = flowFamilies(series).families;
  return {
    rows: {
      count: rows.length,
      inUse: Uint32Array.from(rows.keys()),
      keys: new Uint32Array(0),
      startedMs: new Float64Array(rows.length),
      labelBytes: Buffer.concat(texts),
      labelOffset: Uint32Array.from(offsets),
      labelLength: Uint32Array.from(texts, ({ length }) => length),
    },
    families: template.map((family, at) => ({
      ...family,
      values: Float64Array.from(rows, ({ values }) => values[at] ?? 0),
    })),
  };
}

/** Few letters, so that much is the same; quotes and backslashes where nobody expects them; long ones, too. */
const labelValue = fc.oneof(
  fc.string({ unit: fc.constantFrom('1', '2', '.', '"', '\\'), maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 700 }),
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
const labelText = fc
  .array(labelValue, { maxLength: 5 })
  .map((values) => values.map((value, i) => `label_${i}="${value}"`).join(','));
const value = fc.oneof(fc.constant(0), fc.nat(30), fc.maxSafeNat(), fc.double());
const row = fc.record({ labels: labelText, values: fc.array(value, { minLength: 4, maxLength: 4 }) });

test('any labels and values, with memory that a rendering before has used', async () => {
  const renderer = new GzipTextRenderer();
  const pool = new ChunkPool(8192);
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 60 }),
      fc.constantFrom('text', 'openmetrics'),
      async (rows, format) => {
        await assertSame(format as TextFormat, { families: [], flows: flowsOf(rows) }, renderer, pool);
      },
    ),
    { numRuns: 300 },
  );
});

test('many flows, over several blocks, are about as small as zlib makes them', async () => {
  const flows = flowFamilies(createManySeries(20_000));
  const { member, text } = await renderBoth('text', { families: [], flows });
  assert.ok(gunzipSync(member).equals(text));
  const ofZlib = gzipSync(text, { level: 1 }).length;
  assert.ok(member.length < 1.1 * ofZlib, `${member.length} bytes, ${ofZlib} of zlib`);
});

test('the event loop gets its turns, and one who leaves ends it at the next', async () => {
  const pool = new ChunkPool();
  const renderer = new GzipTextRenderer();
  const leaving = new AbortController();
  let turns = 0;
  const input = { families: [], flows: flowFamilies(createManySeries(5000)) };
  const rendering = renderer.render('text', input, {
    yieldToLoop: async () => {
      if (++turns === 8) leaving.abort(new Error('nobody waits'));
      await nextTurn();
    },
    signal: leaving.signal,
    pool,
  });
  await assert.rejects(rendering, /nobody waits/);
  assert.equal(turns, 8);
  await assertSame('text', input, renderer, pool);
});
