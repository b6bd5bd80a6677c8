// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameOutput } from '../../src/output/frame-output.js';
import { TerminalScreen } from '../../src/top/terminal-screen.js';

function setUp() {
  const written: string[] = [];
  const output = { written, isBusy: false, flushed: 0 };
  const screen = new TerminalScreen({
    get isBusy() {
      return output.isBusy;
    },
    write: (text: string) => void output.written.push(text),
    flush: () => void output.flushed++,
  } as unknown as FrameOutput);
  return { output, screen };
}

test('only lines that changed are drawn', () => {
  const { output, screen } = setUp();
  screen.enter();
  screen.show(['a', 'b', 'c']);
  output.written.length = 0;
  screen.show(['a', 'B', 'c']);
  assert.deepEqual(output.written, ['\x1b[2;1H\x1b[0m\x1b[KB\x1b[0m']);
  screen.show(['a', 'B', 'c']);
  assert.equal(output.written.length, 1);
  screen.show(['a']);
  assert.equal(output.written[1], '\x1b[2;1H\x1b[J');
  screen.forget();
  screen.show(['a']);
  assert.equal(output.written.at(-1), '\x1b[1;1H\x1b[0m\x1b[Ka\x1b[0m');
});

test('while the terminal does not read, only the newest waits', () => {
  const { output, screen } = setUp();
  screen.enter();
  screen.show(['1']);
  output.isBusy = true;
  screen.show(['2']);
  screen.show(['3']);
  output.isBusy = false;
  output.written.length = 0;
  screen.showWaiting();
  screen.showWaiting();
  assert.deepEqual(output.written, ['\x1b[1;1H\x1b[0m\x1b[K3\x1b[0m']);
});

test('it is entered and left once, and nothing is drawn outside of it', () => {
  const { output, screen } = setUp();
  screen.show(['x']);
  screen.leave(1);
  assert.deepEqual([output.written.length, output.flushed], [0, 0]);
  screen.enter();
  screen.enter();
  screen.leave(1);
  screen.leave(1);
  screen.show(['x']);
  screen.forget();
  assert.deepEqual(
    output.written.map((text) => text.includes('?1049')),
    [true, true],
  );
  assert.equal(output.flushed, 1);
  for (const [on, off] of [
    ['?1049h', '?1049l'],
    ['?25l', '?25h'],
    ['?7l', '?7h'],
  ] as const) {
    assert.ok(output.written[0]?.includes(on) && output.written[1]?.includes(off), on);
  }
});
