// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { SeriesView } from '../../src/flows/views.js';
import { createFlowPrinter } from '../../src/print/flow-printer.js';
import { waitFor } from '../support/conditions.js';
import { booksOf, type TestFlow, viewOf } from '../support/print/series.js';

/** A stream that takes what it is given, or holds it back, or fails. */
class TestOutput extends Writable {
  text = '';
  isHeld = false;
  #held: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 64, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: (error?: Error | null) => void): void {
    const take = (): void => {
      this.text += chunk;
      done();
    };
    if (this.isHeld) this.#held = take;
    else take();
  }

  release(): void {
    this.isHeld = false;
    this.#held?.();
    this.#held = undefined;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

const renderLine = (view: SeriesView, row: number): string => `flow ${view.intervalPackets[row]}`;

function setUp(t: { after(action: () => void): void }) {
  const out = new TestOutput();
  const failures: Error[] = [];
  const printer = createFlowPrinter({ out, renderLine, onFailure: (error) => failures.push(error) });
  t.after(() => out.destroy());
  return { out, failures, printer };
}

const flows = (...packets: number[]): TestFlow[] =>
  packets.map((count) => ({ packets: count, bytes: 100 * count }));
/** Books in which the series carried everything. */
const balanced = (packets: number) => booksOf([packets, 100 * packets]);

test('a line for each flow that had packets, none for the idle', async (t) => {
  const { out, printer } = setUp(t);
  await printer.print(viewOf(flows(3, 0, 5)), balanced(8));
  assert.deepEqual(out.lines, ['flow 3', 'flow 5']);
});

test('nothing for an interval without packets', async (t) => {
  const { out, printer } = setUp(t);
  await printer.print(viewOf(flows(0, 0)), balanced(0));
  await printer.print(viewOf([]), balanced(0));
  assert.equal(out.text, '');
});

describe('what has no series', () => {
  test('is told, as of the interval', async (t) => {
    const { out, printer } = setUp(t);
    await printer.print(viewOf(flows(3)), booksOf([10, 1000], { max_series: [7, 700] }));
    await printer.print(viewOf(flows(4)), booksOf([16, 1600], { max_series: [7, 700], map_full: [2, 200] }));
    await printer.print(viewOf(flows(1)), booksOf([17, 1700], { max_series: [7, 700], map_full: [2, 200] }));
    assert.deepEqual(out.lines, [
      'flow 3',
      '... and 7 more packets 700 bytes without a series',
      'flow 4',
      '... and 2 more packets 200 bytes without a series',
      'flow 1',
    ]);
  });

  test('what nobody asked for, or is no flow, is not part of it', async (t) => {
    const { out, printer } = setUp(t);
    const others = { filtered: [5, 500], non_ip: [2, 200], malformed: [1, 100] } as const;
    await printer.print(viewOf(flows(3)), booksOf([11, 1100], others));
    assert.deepEqual(out.lines, ['flow 3']);
  });

  test('a series that ends does not count again with all it ever carried', async (t) => {
    const { out, printer } = setUp(t);
    await printer.print(viewOf(flows(1000)), balanced(1000));
    // Displaced by a flow of 5: the books move its 1000 to max_series.
    await printer.print(viewOf(flows(5)), booksOf([1005, 100_500], { max_series: [1000, 100_000] }));
    assert.deepEqual(out.lines, ['flow 1000', 'flow 5']);
  });
});

describe('on a terminal', () => {
  const setUpTerminal = (t: { after(action: () => void): void }) => {
    const out = new TestOutput();
    t.after(() => out.destroy());
    const clock = { wall: new Date(2026, 0, 31, 9, 5, 7).getTime(), now: 0 };
    const printer = createFlowPrinter({
      out,
      renderLine,
      terminal: { wallMs: () => clock.wall, nowMs: () => clock.now },
      onFailure: assert.fail,
    });
    return { out, printer, clock };
  };

  test('the largest come first, below what the interval was', async (t) => {
    const { out, printer, clock } = setUpTerminal(t);
    await printer.print(viewOf(flows(3, 0, 5)), booksOf([10, 1000], { max_series: [2, 200] }));
    clock.wall += 5000;
    clock.now += 5000;
    await printer.print(viewOf(flows(1, 4)), booksOf([15, 1500], { max_series: [2, 200] }));
    clock.wall += 5000;
    clock.now += 5000;
    await printer.print(viewOf(flows(0, 0)), booksOf([15, 1500], { max_series: [2, 200] }));
    assert.deepEqual(out.lines, [
      '=== 09:05:07  2 flows  packets=10 bytes=1000',
      'flow 5',
      'flow 3',
      '... and 2 more packets 200 bytes without a series',
      '=== 09:05:12  2 flows  packets=5 bytes=500  800 bit/s',
      'flow 4',
      'flow 1',
      '=== 09:05:17  0 flows  packets=0 bytes=0  0 bit/s',
    ]);
  });
});

describe('a slow reader', () => {
  test('misses whole intervals, is told how many lines, and gets what comes after', async (t) => {
    const { out, printer } = setUp(t);
    out.isHeld = true;
    const many = new Array<number>(40).fill(2);
    await printer.print(viewOf(flows(...many)), balanced(80));
    await printer.print(viewOf(flows(1, 1, 0)), balanced(82));
    await printer.print(viewOf(flows(1)), balanced(83));
    assert.equal(out.text, '');
    out.release();
    await waitFor('the first interval', () => out.lines.length === 40);
    await printer.print(viewOf(flows(7)), balanced(90));
    await waitFor('the last line', () => out.lines.at(-1) === 'flow 7');
    assert.deepEqual(out.lines.slice(40), [
      '... 3 flow lines skipped: the reader of this output is slow',
      'flow 7',
    ]);
  });

  test('holds no more than a bounded text, and print() does not wait for it', async (t) => {
    const out = new TestOutput();
    t.after(() => out.destroy());
    const line = 'x'.repeat(100_000);
    const printer = createFlowPrinter({ out, renderLine: () => line, onFailure: assert.fail });
    out.isHeld = true;
    // 3 turns of 1,000 lines of 100 kB: the second is the last that fits under the bound.
    await printer.print(viewOf(flows(...new Array<number>(3000).fill(1))), balanced(3000));
    await printer.print(viewOf(flows(1)), balanced(3001));
    out.release();
    await waitFor('what was held', () => out.text.length > 100_000_000);
    await printer.close(AbortSignal.timeout(20_000));
    const printed = out.lines.length;
    assert.ok(printed > 0 && printed < 3000, `${printed} lines`);
  });
});

test('100,000 flows are printed in turns: others run meanwhile', async (t) => {
  const { out, printer } = setUp(t);
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await printer.print(viewOf(flows(...new Array<number>(100_000).fill(1))), balanced(100_000));
  isDone = true;
  assert.ok(turns >= 99, `${turns} turns`);
  await printer.close(AbortSignal.timeout(20_000));
  assert.equal(out.lines.length, 100_000);
});

describe('a reader that goes away', () => {
  test('ends printing without a word', async (t) => {
    const { out, failures, printer } = setUp(t);
    out.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await waitFor('the end', () => out.closed);
    await printer.print(viewOf(flows(1)), balanced(1));
    await printer.close(AbortSignal.timeout(20_000));
    assert.deepEqual([out.text, failures], ['', []]);
  });

  test('while it is waited for ends the waiting', async (t) => {
    const { out, printer } = setUp(t);
    out.isHeld = true;
    await printer.print(viewOf(flows(...new Array<number>(99).fill(1))), balanced(99));
    const closed = printer.close(AbortSignal.timeout(60_000));
    out.destroy();
    await closed;
  });
});

test('another failure of the output ends printing and is told once', async (t) => {
  const { out, failures, printer } = setUp(t);
  out.destroy(Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }));
  await waitFor('the failure', () => failures.length > 0);
  await printer.print(viewOf(flows(1)), balanced(1));
  assert.deepEqual(
    failures.map((error) => error.message),
    ['write ENOSPC'],
  );
});

describe('close', () => {
  test('waits until all lines are out', async (t) => {
    const { out, printer } = setUp(t);
    out.isHeld = true;
    await printer.print(viewOf(flows(...new Array<number>(50).fill(1))), balanced(50));
    setImmediate(() => out.release());
    await printer.close(AbortSignal.timeout(20_000));
    assert.equal(out.lines.length, 50);
  });

  test('gives up at the signal, and nothing is printed afterwards', async (t) => {
    const { out, printer } = setUp(t);
    out.isHeld = true;
    await printer.print(viewOf(flows(...new Array<number>(50).fill(1))), balanced(50));
    await printer.close(AbortSignal.abort());
    out.release();
    await printer.print(viewOf(flows(8)), balanced(58));
    assert.ok(!out.text.includes('flow 8'));
  });
});
