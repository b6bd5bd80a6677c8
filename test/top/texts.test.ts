// SPDX-License-Identifier: Apache-2.0
// Widths, numbers, bars and lines of history.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ASCII_SYMBOLS, barText, createPaint, sparkline, UTF8_SYMBOLS } from '../../src/top/paint.js';
import { bitRateText, bytesText, countText, shareText } from '../../src/top/rate-text.js';
import { cutText, fitText, padEnd, padStart, textWidth, wrapText } from '../../src/top/text-width.js';

const COLOUR = new RegExp(`${'\x1b'}\\[[0-9;]*[34][0-7]`);

describe('columns of a text', () => {
  const cases: [string, number][] = [
    ['', 0],
    ['eth0', 4],
    ['漢字', 4],
    ['e\u0301', 1],
    ['한', 2],
    ['ab\ufe0f', 2],
    ['😀', 2],
    ['\u1112\u1161\u11ab', 2],
    ['ｅ', 2],
    ['ﾊ', 1],
  ];
  for (const [text, columns] of cases)
    test(JSON.stringify(text), () => assert.equal(textWidth(text), columns));
});

describe('laws', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '漢', 'e\u0301', '😀', '-'), maxLength: 60 });
  test('what is padded has exactly its columns', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 80 }), (given, columns) => {
        assert.equal(textWidth(padEnd(given, columns, '~')), columns);
        assert.equal(textWidth(padStart(given, columns, '~')), columns);
        assert.ok(textWidth(fitText(given, columns, '~')) <= columns);
        assert.ok(given.startsWith(cutText(given, columns)));
      }),
    );
  });

  test('what is wrapped fits, and loses nothing but blanks', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 30 }), (given, columns) => {
        const lines = wrapText(given, columns);
        assert.ok(lines.every((line) => textWidth(line) <= columns));
        assert.equal(lines.join('').replaceAll(' ', ''), given.replaceAll(' ', ''));
      }),
    );
  });

  test('a bar has its columns, grows with its share, and shows what is more than nothing', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 40 }), fc.boolean(), (a, b, columns, isAscii) => {
        const symbols = isAscii ? ASCII_SYMBOLS : UTF8_SYMBOLS;
        const bars = [Math.min(a, b), Math.max(a, b)].map((one) => barText(one, columns, symbols));
        assert.ok(bars.every((bar) => textWidth(bar) === columns));
        const [small, large] = bars.map((bar) => bar.trimEnd().length);
        assert.ok((small ?? 0) <= (large ?? 0));
        assert.equal(barText(a, columns, symbols).trim() === '', a === 0);
        assert.equal(barText(1, columns, symbols), (symbols.across.at(-1) ?? '').repeat(columns));
      }),
    );
  });

  test('numbers take no more columns than their cells have', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e17, noNaN: true }), (value) => {
        assert.ok(bitRateText(value).length <= 6, bitRateText(value));
        assert.ok(countText(value).length <= 5, countText(value));
        assert.ok(bytesText(value).length <= 6);
      }),
    );
  });
});

test('numbers', () => {
  assert.deepEqual([0, 1, 999, 999.6, 1440, 1_440_000, 99_960_000_000, undefined].map(bitRateText), [
    '0b',
    '1b',
    '999b',
    '1.00kb',
    '1.44kb',
    '1.44Mb',
    '100Gb',
    '-',
  ]);
  assert.deepEqual([0, 0.5, 12.34, 1234].map(countText), ['0', '0.50', '12.3', '1.23k']);
  assert.deepEqual([0, 0.0314, 0.5, 1, undefined].map(shareText), ['0%', '3.1%', '50%', '100%', '-']);
});

test('history: a column a point, blank where nothing is known', () => {
  assert.equal(sparkline([0, 1, undefined, 4], 10, ASCII_SYMBOLS), '.. #');
  assert.equal(sparkline([1, 2, 3, 4], 2, UTF8_SYMBOLS), '▆█');
  assert.equal(sparkline([0, 0], 5, UTF8_SYMBOLS), '▁▁');
  assert.equal(sparkline([1], 0, UTF8_SYMBOLS), '');
});

test('without colours there is none, and plain text has no escape sequence', () => {
  const styles = [
    'heading',
    'strong',
    'ok',
    'warning',
    'problem',
    'selected',
    'bar',
    'faint',
    'key',
  ] as const;
  for (const style of styles) {
    assert.equal(createPaint('plain')(style, 'x'), 'x');
    assert.doesNotMatch(createPaint('mono')(style, 'x'), COLOUR);
  }
  assert.match(createPaint('colour')('ok', 'x'), COLOUR);
});
