// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderIntervalLine } from '../../src/print/interval-line.js';

const AT = new Date(2026, 0, 31, 9, 5, 7);

test('time, flows, totals and the rate', () => {
  assert.equal(
    renderIntervalLine(AT, { flows: 993, packets: 5123, bytes: 1_230_000, elapsedMs: 5000 }),
    '=== 09:05:07  993 flows  packets=5123 bytes=1230000  1.97 Mbit/s',
  );
});

test('no rate before there is a second interval, nor where no time has passed', () => {
  const totals = { flows: 1, packets: 2, bytes: 300 };
  const line = '=== 09:05:07  1 flow  packets=2 bytes=300';
  assert.equal(renderIntervalLine(AT, { ...totals, elapsedMs: undefined }), line);
  assert.equal(renderIntervalLine(AT, { ...totals, elapsedMs: 0 }), line);
});

for (const [bytes, words] of [
  [0, '0 bit/s'],
  [1, '8.00 bit/s'],
  [124_937, '999 kbit/s'],
  [124_938, '1.00 Mbit/s'],
  [1e12, '8.00 Tbit/s'],
] as const) {
  test(`${bytes} bytes in a second: ${words}`, () => {
    const line = renderIntervalLine(AT, { flows: 0, packets: 0, bytes, elapsedMs: 1000 });
    assert.ok(line.endsWith(`  ${words}`), line);
  });
}
