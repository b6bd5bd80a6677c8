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
    ...[0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0].map((copper) => ({
      ...{ '50/0/0': lower, '50/0/128': { 147: copper, 220: 0x0c } },
    })),
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

test('CMIS: as many lanes as the module has, by its form and what its applications use', () => {
  const lanesOf = (lower: Readonly<Record<number, number | number[]>>, media: number[] = []) => {
    const advertised = { 159: 1, 160: 6, 176: media };
    const module = read({ '50/0/0': lower, '50/1/128': advertised, '50/17/128': {} });
    assert.equal(module?.sentWatts.length, module?.receivedWatts.length);
    return module?.sentWatts.length;
  };
  // An application: host interface, media interface, lanes of both, and where on the host it may begin.
  const [fr4, dr4, end] = [[0x11, 0x1d, 0x84, 0x01], [0x0f, 0x1c, 0x44, 0x11], 0xff];
  for (const [name, lower, media, expected] of [
    ['QSFP112 has four', { 0: 0x1e }, [], 4],
    ['QSFP112 that says eight', { 0: 0x1e, 86: [...[0x11, 0x1d, 0x88, 0x01], end] }, [0x01], 4],
    ['QSFP112 of two', { 0: 0x1e, 86: [...[0x4b, 0x55, 0x22, 0x01], end] }, [0x01], 2],
    ['400G-FR4', { 0: 0x18, 86: [...fr4, end] }, [0x01], 4],
    ['400G-FR4, with what it also may be', { 0: 0x18, 86: [...fr4, ...dr4, end] }, [0x01, 0x01], 4],
    ['2x400G', { 0: 0x19, 86: [...dr4, end] }, [0x11], 8],
    ['eight of one lane', { 0: 0x19, 86: [...[0x4a, 0x14, 0x11, 0xff], end] }, [0xff], 8],
    ['no places of media lanes: by those of the host', { 0: 0x18, 86: [...dr4, end] }, [0x00], 8],
    ['likewise', { 0: 0x18, 86: [...fr4, end] }, [0x00], 4],
    ['a count that only the interface says', { 0: 0x18, 86: [...[0x11, 0x1d, 0x80, 1], end] }, [1], 8],
    ['none described', { 0: 0x18, 86: end }, [0x01], 8],
    ['more than there may be', { 0: 0x18, 86: [...[0x11, 0x1d, 0x8f, 0xff], end] }, [0xff], 8],
  ] as const) {
    assert.equal(lanesOf({ ...lower, 86: [Reflect.get(lower, 86) ?? 0].flat() }, [...media]), expected, name);
  }
});

test('no module, and one of a kind that we do not know', () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ '50/0/0': { 0: 0xff } }), undefined);
});
