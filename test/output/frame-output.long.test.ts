// SPDX-License-Identifier: Apache-2.0
// A real terminal that does not read for a while, and one that is gone.

import assert from 'node:assert/strict';
import { closeSync, constants, openSync } from 'node:fs';
import { test } from 'node:test';
import { FrameOutput } from '../../src/output/frame-output.js';
import { waitFor } from '../support/conditions.js';
import { openTerminal } from '../support/exporter/terminal.js';

function setUp(t: { after(action: () => void): void }) {
  const terminal = openTerminal();
  const fd = openSync(terminal.path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const told = { idle: 0, failures: 0 };
  const output = new FrameOutput({ fd, onIdle: () => told.idle++, onFailure: () => told.failures++ });
  t.after(() => {
    output.flush(0);
    closeSync(fd);
    terminal.close();
  });
  return { terminal, output, told };
}

test('what a terminal does not take waits, and comes in order when it reads', async (t) => {
  const { terminal, output, told } = setUp(t);
  const frame = 'x'.repeat(1_000_000);
  output.write(`${frame}.`);
  assert.equal(output.isBusy, true);
  output.write('the end');
  let read = '';
  await waitFor('all of it', () => {
    read += terminal.read();
    return read.endsWith('the end');
  });
  assert.equal(read, `${frame}.the end`);
  await waitFor('the last of it to be known', () => told.idle > 0);
  assert.equal(output.isBusy, false);
});

test('a flush ends at its limit, and nothing waits then', (t) => {
  const { output } = setUp(t);
  output.write('x'.repeat(1_000_000));
  output.flush(10);
  assert.equal(output.isBusy, false);
});

test('a descriptor that fails is told once', () => {
  const told = { idle: 0, failures: 0 };
  const output = new FrameOutput({
    fd: 999_999,
    onIdle: () => told.idle++,
    onFailure: () => told.failures++,
  });
  output.write('a');
  output.write('b');
  output.flush(10);
  assert.deepEqual(told, { idle: 0, failures: 1 });
});
