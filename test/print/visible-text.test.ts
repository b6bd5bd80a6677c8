// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderVisible, renderVisibleLines } from '../../src/print/visible-text.js';

test('what a terminal acts on, or does not show, is shown as an escape', () => {
  const cases: [string, string][] = [
    [
      'plain text, "quoted", caf\xe9 \u65e5\u672c \u{1f600}',
      'plain text, "quoted", caf\xe9 \u65e5\u672c \u{1f600}',
    ],
    ['a\x1b[31mred\x07', 'a\\x1b[31mred\\x07'],
    ['a\nb\r\tc', 'a\\x0ab\\x0d\\x09c'],
    ['\x7f\x9b31m', '\\x7f\\x9b31m'],
    ['\u202etxt.exe\u2028', '\\u202etxt.exe\\u2028'],
    ['\ud800x\u{e0041}', '\\ud800x\\u{e0041}'],
  ];
  for (const [given, shown] of cases) assert.equal(renderVisible(given), shown);
  assert.equal(renderVisibleLines('a\x1b\nb\n'), 'a\\x1b\nb\n');
});

test('law: one line whatever comes in, and nothing that cannot be seen', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(renderVisible(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      assert.doesNotMatch(renderVisibleLines(text), /[^\P{Cc}\n]/u);
    }),
  );
});
