// SPDX-License-Identifier: Apache-2.0
// Memories of modules, laid out as SFF-8472, SFF-8636 and CMIS say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ModuleReading, readModule } from '../../src/nic/module-memory.js';

/** By `address/page/offset`; each a list of bytes at places of the memory as the specification numbers them. */
type Memory = Readonly<Record<string, Readonly<Record<number, number | readonly number[]>>>>;

function read(memory: Memory): ModuleReading | undefined {
  return readModule(({ i2cAddress, page, offset, lengthBytes }) => {
    const places = memory[`${i2cAddress.toString(16)}/${page}/${offset < 128 ? 0 : 128}`];
    if (places === undefined) return undefined;
    const half = Buffer.alloc(256);
    for (const [at, bytes] of Object.entries(places)) Buffer.from([bytes].flat()).copy(half, Number(at));
    return half.subarray(offset, offset + lengthBytes);
  });
}

test('SFP: temperature, light in both directions', () => {
  const lower = { 0: 0x03, 92: 0x68 };
  const figures = { 96: [0x20, 0x80], 102: [0x17, 0x70], 104: [0x13, 0x88] };
  assert.deepEqual(read({ '50/0/0': lower, '51/0/0': figures }), {
    ...{ standard: 'sff8472', temperatureCelsius: 32.5, sentWatts: [0.0006], receivedWatts: [0.0005] },
  });
});

test('SFP below zero, and one that wants its figures corrected', () => {
  const figures = { 96: [0xff, 0x00] };
  assert.equal(read({ '50/0/0': { 0: 3, 92: 0x60 }, '51/0/0': figures })?.temperatureCelsius, -1);
  for (const type of [0x50, 0x00]) {
    assert.equal(read({ '50/0/0': { 0: 3, 92: type }, '51/0/0': figures })?.temperatureCelsius, undefined);
  }
});

test('QSFP28: four lanes; copper measures nothing; one that is not ready says nothing', () => {
  const lower = { 0: 0x11, 22: [0x2a, 0x00], 34: [0x27, 0x10, 0, 0, 0, 1], 50: [0x27, 0x10] };
  const optical = read({ '50/0/0': lower, '50/0/128': { 147: 0x40, 220: 0x0c } });
  assert.equal(optical?.temperatureCelsius, 42);
  assert.deepEqual(optical.receivedWatts, [0.001, 0, 1e-7, 0]);
  assert.deepEqual(optical.sentWatts, [0.001, 0, 0, 0]);
  assert.deepEqual(read({ '50/0/0': lower, '50/0/128': { 147: 0x40 } })?.sentWatts, []);
  for (const memory of [
    { '50/0/0': lower, '50/0/128': { 147: 0xa0 } },
    { '50/0/0': { ...lower, 2: 1 }, '50/0/128': { 147: 0x40 } },
    { '50/0/0': lower },
  ]) {
    assert.deepEqual([read(memory)?.temperatureCelsius, read(memory)?.receivedWatts], [undefined, []]);
  }
});

test('CMIS: eight lanes on page 11h, as far as page 01h says that they are measured', () => {
  const lower = { 0: 0x18, 14: [0x34, 0x80] };
  const lanes = { 154: [0x27, 0x10], 186: [0x03, 0xe8], 200: [0, 10] };
  const all = read({ '50/0/0': lower, '50/1/128': { 159: 1, 160: 6 }, '50/17/128': lanes });
  assert.equal(all?.temperatureCelsius, 52.5);
  assert.deepEqual(all.sentWatts, [0.001, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(all.receivedWatts, [0.0001, 0, 0, 0, 0, 0, 0, 1e-6]);
  const flat = read({ '50/0/0': { ...lower, 2: 0x80 } });
  assert.deepEqual(flat, {
    ...{ standard: 'cmis', temperatureCelsius: undefined, receivedWatts: [], sentWatts: [] },
  });
});

test('no module, and one of a kind that we do not know', () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ '50/0/0': { 0: 0xff } }), undefined);
});
