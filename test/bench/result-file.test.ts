// SPDX-License-Identifier: Apache-2.0
// What of a figure is written to bench/results.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderResultFile } from '../../bench/result-file.js';

function writtenRow(row: object): unknown {
  const file = renderResultFile('some', { cpu: 'any' }, [row]);
  return (JSON.parse(file) as { readonly rows: readonly unknown[] }).rows[0];
}

test('a count is written to the unit', () => {
  assert.deepEqual(writtenRow({ flows: 65_536 }), { flows: 65_536 });
  fc.assert(
    fc.property(fc.maxSafeInteger(), (count) => {
      assert.deepEqual(writtenRow({ count }), { count });
    }),
  );
});

test('a measured figure has four digits', () => {
  const row = { ratio: 0.123456, ns: 249.5678, rate: 123_456.7, text: '1.23456', missed: false };
  assert.deepEqual(writtenRow(row), {
    ratio: 0.1235,
    ns: 249.6,
    rate: 123_500,
    text: '1.23456',
    missed: false,
  });
});

test('a measured figure is within a half of its fourth digit', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (value) => {
      const { written } = writtenRow({ written: value }) as { readonly written: number };
      assert.ok(Math.abs(written - value) <= value * 5.001e-4);
    }),
  );
});

test('a file says its section and machine, and ends with a newline', () => {
  const file = renderResultFile('drain', { kernel: 'Linux 6.18' }, []);
  assert.deepEqual(JSON.parse(file), { section: 'drain', machine: { kernel: 'Linux 6.18' }, rows: [] });
  assert.ok(file.endsWith('\n'));
});
