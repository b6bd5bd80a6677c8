// SPDX-License-Identifier: Apache-2.0
// Numbers as the page writes them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bitRateText,
  bytesText,
  countText,
  millisecondsText,
  percentText,
  siText,
  spanText,
  tickText,
  withFullStop,
} from '../../web/model/quantity.js';

/** With plain spaces: those of the page do not break. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

test('three digits, a prefix, the unit', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 bit/s'],
    [0.0001, '<0.01 bit/s'],
    [1.5, '1.50 bit/s'],
    [999, '999 bit/s'],
    [999.7, '1.00 kbit/s'],
    [1000, '1.00 kbit/s'],
    [8_016_000, '8.02 Mbit/s'],
    [99_949_000, '99.9 Mbit/s'],
    [99_960_000, '100 Mbit/s'],
    [999_600_000, '1.00 Gbit/s'],
    [400e9, '400 Gbit/s'],
  ];
  for (const [rate, text] of cases) assert.equal(plain(bitRateText(rate)), text);
  assert.equal(plain(bytesText(17)), '17 B');
});

test('a number is within half a percent of its text, whatever it is', () => {
  const factors: Readonly<Record<string, number>> = {
    '': 1,
    k: 1e3,
    M: 1e6,
    G: 1e9,
    T: 1e12,
    P: 1e15,
    E: 1e18,
  };
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e20, noNaN: true }), (value) => {
      const [digits = '', unit = ''] = siText(value, 'B').split('\u00a0');
      assert.ok(digits.length <= 4 || value >= 1e21, digits);
      const factor = factors[unit.slice(0, -1)] ?? Number.NaN;
      assert.ok(Math.abs(Number(digits) * factor - value) <= value * 0.005001, `${value}: ${digits} ${unit}`);
    }),
  );
});

test('what is not known is a dash', () => {
  for (const text of [
    bitRateText(null),
    countText(undefined),
    percentText(Number.NaN),
    millisecondsText(null),
  ]) {
    assert.equal(text, '–');
  }
});

test('counts, shares, times, steps of an axis, sentences', () => {
  assert.equal(countText(1_234_567), '1,234,567');
  assert.equal(countText(100), '100');
  assert.equal(plain(percentText(0.031)), '3.1 %');
  assert.equal(plain(percentText(0.00001)), '<0.1 %');
  assert.equal(plain(percentText(1)), '100 %');
  assert.equal(plain(millisecondsText(2.44)), '2.4 ms');
  assert.equal(plain(millisecondsText(5000)), '5 s');
  assert.equal(plain(spanText(185_000)), '3 min 5 s');
  assert.equal(plain(spanText(400)), '0 s');
  assert.equal(plain(spanText(90_000_000)), '1 d 1 h');
  assert.equal(plain(tickText(bitRateText(20e6))), '20 Mbit/s');
  assert.equal(plain(tickText(bitRateText(2.5e6))), '2.5 Mbit/s');
  assert.equal(plain(tickText(bitRateText(200e6))), '200 Mbit/s');
  assert.equal(withFullStop('eth0 is down'), 'eth0 is down.');
  assert.equal(withFullStop('Ready.'), 'Ready.');
});
