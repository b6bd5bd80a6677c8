// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createExposer, type Exposer, type ExpositionShare } from '../../src/exposition/shared-exposition.js';
import { flowFamilies } from '../../src/metrics/flow-families.js';
import { createManySeries } from '../support/exposition/series-fixture.js';

/** Above and below what is kept for the next. */
const LARGE_FLOWS = 3000;
const SMALL_FLOWS = 300;

interface Bench {
  readonly exposer: Exposer;
  readonly warnings: string[];
  readonly rendered: { format: string; bytes: number; durationMs: number }[];
  refresh: number;
  /** Renderings begin only when this resolves. */
  guard: Promise<void>;
  /** Set to make collecting fail. */
  fault: Error | undefined;
  nowMs: number;
  /** What is to be done later, and when: the last one. */
  later: { task(): void; delayMs: number } | undefined;
}

function createBench(
  options: {
    flows?: number;
    maxRenderings?: number;
    freeBytes?: number;
    warnAboveBytes?: number;
    mayGoOut?(): Promise<boolean>;
  } = {},
): Bench {
  const flows = flowFamilies(createManySeries(options.flows ?? LARGE_FLOWS));
  const { maxRenderings = 2, freeBytes = 0, warnAboveBytes = 1e9 } = options;
  const bench: Bench = {
    warnings: [],
    rendered: [],
    refresh: 1,
    guard: Promise.resolve(),
    fault: undefined,
    nowMs: 0,
    later: undefined,
    exposer: createExposer(
      { maxRenderings, freeBytes, warnAboveBytes },
      {
        withSnapshot: async (fn) => {
          await bench.guard;
          return fn({
            refresh: bench.refresh,
            families: async () => {
              if (bench.fault !== undefined) throw bench.fault;
              return [];
            },
            flows: () => flows,
          });
        },
        currentRefresh: () => bench.refresh,
        yieldToLoop: () => nextTurn(),
        monotonicMs: () => (bench.nowMs += 5),
        schedule(task, delayMs) {
          bench.later = { task, delayMs };
          return () => {
            bench.later = undefined;
          };
        },
        mayGoOut: options.mayGoOut ?? (async () => true),
        onRendered: (rendered) => bench.rendered.push(rendered),
        warn: (message) => bench.warnings.push(message),
      },
    ),
  };
  return bench;
}

async function mustShare(share: Promise<ExpositionShare | undefined>): Promise<ExpositionShare> {
  const got = await share;
  assert.ok(got !== undefined, 'there is room for a rendering');
  return got;
}

test('scrapes that come together share one rendering; a small one is gone after the last', async () => {
  const { exposer, rendered } = createBench({ flows: SMALL_FLOWS });
  const shares = await Promise.all([1, 2, 3].map(() => mustShare(exposer.expose('text', 'identity'))));
  assert.equal(rendered.length, 1);
  assert.equal(exposer.renderings, 1);
  assert.equal(new Set(shares.map(({ chunks }) => chunks)).size, 1);
  const late = await mustShare(exposer.expose('text', 'identity'));
  assert.equal(late.chunks, shares[0]?.chunks, 'one that comes while others are being sent joins them');
  for (const share of [...shares, late]) share.release();
  assert.equal(exposer.renderings, 0);
  (await mustShare(exposer.expose('text', 'identity'))).release();
  assert.equal(rendered.length, 2);
});

test('what may not go out is rendered anew, and only what goes out is recorded', async () => {
  const looks = [false, false, true];
  const { exposer, rendered } = createBench({ flows: 10, mayGoOut: async () => looks.shift() ?? true });
  const share = await mustShare(exposer.expose('text', 'identity'));
  assert.deepEqual(looks, []);
  assert.equal(rendered.length, 1);
  assert.equal(Buffer.concat(share.chunks).length, share.bytes);
  share.release();
});

test('gzip is made once, shared, and holds the same bytes', async () => {
  const { exposer, rendered } = createBench();
  const [plain, zipped, again] = await Promise.all([
    mustShare(exposer.expose('openmetrics', 'identity')),
    mustShare(exposer.expose('openmetrics', 'gzip')),
    mustShare(exposer.expose('openmetrics', 'gzip')),
  ]);
  assert.equal(rendered.length, 2, 'the text is not made for the gzip');
  assert.equal(zipped.chunks, again.chunks);
  const compressed = Buffer.concat(zipped.chunks);
  assert.equal(compressed.length, zipped.bytes);
  assert.ok(zipped.bytes < plain.bytes / 4);
  assert.deepEqual(gunzipSync(compressed), Buffer.concat(plain.chunks));
  for (const share of [plain, zipped, again]) share.release();
});

test('formats are rendered apart, and so are refreshes', async () => {
  const bench = createBench({ maxRenderings: 3 });
  const text = await mustShare(bench.exposer.expose('text', 'identity'));
  const openMetrics = await mustShare(bench.exposer.expose('openmetrics', 'identity'));
  bench.refresh = 2;
  const next = await mustShare(bench.exposer.expose('text', 'identity'));
  assert.notEqual(next.chunks, text.chunks);
  assert.deepEqual(
    bench.rendered.map(({ format }) => format),
    ['text', 'openmetrics', 'text'],
  );
  for (const share of [text, openMetrics, next]) share.release();
});

test('no more renderings live than allowed; a release makes room', async () => {
  const bench = createBench({ maxRenderings: 2 });
  const text = await mustShare(bench.exposer.expose('text', 'identity'));
  const openMetrics = await mustShare(bench.exposer.expose('openmetrics', 'identity'));
  bench.refresh = 2;
  assert.equal(await bench.exposer.expose('text', 'identity'), undefined);
  text.release();
  text.release(); // a second one does no harm
  const next = await mustShare(bench.exposer.expose('text', 'identity'));
  assert.equal(await bench.exposer.expose('openmetrics', 'identity'), undefined);
  next.release();
  openMetrics.release();
  assert.equal(bench.exposer.renderings, 0);
});

test('scrapes that wait for a refresh to end share what comes after it', async () => {
  const bench = createBench();
  let open = (): void => assert.fail();
  bench.guard = new Promise((resolve) => {
    open = resolve;
  });
  const first = mustShare(bench.exposer.expose('text', 'identity'));
  bench.refresh = 2;
  const second = mustShare(bench.exposer.expose('text', 'identity'));
  open();
  assert.equal((await first).chunks, (await second).chunks);
  assert.equal(bench.rendered.length, 1);
});

test('a scrape that gives up leaves the others alone; when the last one does, rendering stops', async () => {
  const bench = createBench({ flows: 20_000 });
  const cancels = [new AbortController(), new AbortController()];
  const [first, second] = cancels.map(({ signal }) => bench.exposer.expose('text', 'identity', signal));
  assert.ok(first !== undefined && second !== undefined);
  cancels[0]?.abort(new Error('first left'));
  await assert.rejects(first, /first left/);
  assert.equal(bench.exposer.renderings, 1);
  cancels[1]?.abort(new Error('second left'));
  await assert.rejects(second, /second left/);
  assert.equal(bench.exposer.renderings, 0);
  const whole = await mustShare(bench.exposer.expose('text', 'identity'));
  assert.equal(bench.rendered.length, 1, 'the one that was given up never came to its end');
  whole.release();
});

test('a fault in rendering reaches every scrape, and the next one starts anew', async () => {
  const bench = createBench();
  bench.fault = new Error('no families');
  const both = [bench.exposer.expose('text', 'identity'), bench.exposer.expose('text', 'gzip')];
  for (const share of both) await assert.rejects(share, /no families/);
  assert.equal(bench.exposer.renderings, 0);
  bench.fault = undefined;
  (await mustShare(bench.exposer.expose('text', 'identity'))).release();
});

test('size and duration are told; a large exposition is warned of once until it was small again', async () => {
  const bench = createBench({ warnAboveBytes: 1000 });
  for (let scrape = 0; scrape < 2; scrape++)
    (await mustShare(bench.exposer.expose('text', 'identity'))).release();
  assert.equal(bench.warnings.length, 1);
  assert.match(bench.warnings[0] ?? '', /max_scrape_size/);
  const [rendered] = bench.rendered;
  assert.equal(rendered?.durationMs, 5);
  assert.ok((rendered?.bytes ?? 0) > 1000);
});

test('the chunks of a rendering are used again after its last release, and not before', async () => {
  const bench = createBench();
  const memory = ({ chunks }: ExpositionShare): Set<ArrayBufferLike> =>
    new Set(chunks.map(({ buffer }) => buffer));
  const first = await mustShare(bench.exposer.expose('text', 'identity'));
  const [held, text] = [memory(first), Buffer.concat(first.chunks).toString()];
  bench.refresh++;
  const second = await mustShare(bench.exposer.expose('text', 'identity'));
  assert.equal([...memory(second)].filter((buffer) => held.has(buffer)).length, 0);
  assert.equal(Buffer.concat(first.chunks).toString(), text, 'still whole for whoever reads it');
  first.release();
  second.release();
  bench.refresh++;
  const third = await mustShare(bench.exposer.expose('text', 'identity'));
  const used = [...held, ...memory(second)];
  assert.ok([...memory(third)].every((buffer) => used.includes(buffer)));
  assert.equal(Buffer.concat(third.chunks).toString(), text);
  third.release();
});

test('a rendering that is given up while it is made does not disturb the next', async () => {
  const bench = createBench({ flows: 20_000 });
  const leaving = new AbortController();
  const left = bench.exposer.expose('text', 'identity', leaving.signal);
  await nextTurn();
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  const share = await mustShare(bench.exposer.expose('text', 'identity'));
  assert.equal(Buffer.concat(share.chunks).length, share.bytes);
  share.release();
});

/** Asks, and is done with it at once: what it got, and the memory it came in. */
async function askOnce(
  { exposer }: Bench,
  ...asked: Parameters<Exposer['expose']>
): Promise<{ body: Buffer; chunks: readonly Buffer[]; memory: Set<ArrayBufferLike> }> {
  const { chunks, release } = await mustShare(exposer.expose(...asked));
  const memory = new Set(chunks.map(({ buffer }) => buffer));
  const body = Buffer.concat(chunks);
  release();
  return { body, chunks, memory };
}

for (const coding of ['identity', 'gzip'] as const) {
  test(`${coding}: who asks again within the refresh gets the bytes that were made for another`, async () => {
    const bench = createBench();
    const first = await askOnce(bench, 'text', coding);
    assert.equal(bench.exposer.renderings, 0, 'what is kept takes no place');
    const second = await askOnce(bench, 'text', coding);
    assert.equal(second.chunks, first.chunks);
    assert.deepEqual(second.body, first.body);
    assert.equal(bench.rendered.length, 1);
    const other = await askOnce(createBench(), 'text', coding);
    assert.deepEqual(other.body, first.body, 'as it is made anew');
  });

  test(`${coding}: what is kept is not shown after the next refresh, nor after five seconds`, async () => {
    const bench = createBench();
    const first = await askOnce(bench, 'text', coding);
    bench.refresh++;
    const second = await askOnce(bench, 'text', coding);
    assert.notEqual(second.chunks, first.chunks);
    assert.equal(bench.rendered.length, 2);
    bench.nowMs += 5000;
    await askOnce(bench, 'text', coding);
    assert.equal(bench.rendered.length, 3);
  });
}

test('the memory of what is kept is for the next rendering, and let go where nobody asks for two minutes', async () => {
  const bench = createBench();
  const first = await askOnce(bench, 'text', 'identity');
  bench.refresh++;
  const second = await askOnce(bench, 'text', 'identity');
  assert.deepEqual(second.memory, first.memory);
  assert.equal(bench.later?.delayMs, 120_000);
  bench.later.task();
  const third = await askOnce(bench, 'text', 'identity');
  assert.equal([...third.memory].filter((buffer) => second.memory.has(buffer)).length, 0);
  assert.equal(bench.rendered.length, 3);
  assert.deepEqual(third.body, first.body);
});

test('memory is not let go while somebody reads', async () => {
  const bench = createBench();
  await askOnce(bench, 'text', 'gzip');
  const share = await mustShare(bench.exposer.expose('text', 'gzip'));
  assert.equal(bench.later, undefined);
  share.release();
  assert.ok(bench.later !== undefined);
});

test('slow readers of small answers hold their own refresh, and nobody else up', async () => {
  const bench = createBench({ flows: SMALL_FLOWS, maxRenderings: 2, freeBytes: 1024 * 1024 });
  const shares: ExpositionShare[] = [];
  for (bench.refresh = 1; bench.refresh <= 20; bench.refresh++) {
    shares.push(await mustShare(bench.exposer.expose('text', 'gzip')));
  }
  const bodies = shares.map(({ chunks }) => gunzipSync(Buffer.concat(chunks)).toString());
  assert.equal(new Set(bodies).size, 1);
  const plain: ExpositionShare[] = [];
  while (plain.length < 40) {
    const share = await bench.exposer.expose('text', 'identity');
    if (share === undefined) break;
    plain.push(share);
    bench.refresh++;
  }
  const held = [...shares, ...plain].reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(plain.length > 0 && held < 2 * 1024 * 1024, `${held} bytes are held`);
  assert.equal(await bench.exposer.expose('text', 'identity'), undefined);
  for (const share of [...shares, ...plain]) share.release();
  assert.equal(bench.exposer.renderings, 0);
});
