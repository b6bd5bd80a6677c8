// SPDX-License-Identifier: Apache-2.0
// The tables of drivers against the strings of the drivers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DRIVER_TABLES } from '../../src/nic/driver-tables.js';
import { meaningsOf, placeStrings } from '../../src/nic/known-strings.js';
import { counterKey, MEANINGS } from '../../src/nic/meanings.js';
import { renderCoverage } from '../support/nic/coverage.js';
import { driverStrings } from '../support/nic/driver-strings.js';

for (const { drivers, rows } of DRIVER_TABLES) {
  const [driver = ''] = drivers;
  test(`${driver}: every row is one of the driver's strings`, () => {
    const strings = new Set(driverStrings(driver));
    const missing = [...meaningsOf(driver).keys()].filter((string) => !strings.has(string));
    assert.deepEqual(missing, []);
    assert.equal(new Set(rows.map(([string]) => string)).size, rows.length, 'no string has two rows');
  });

  test(`${driver}: no two strings are the same counter, and each has the labels of its meaning`, () => {
    const { known } = placeStrings(driver, driverStrings(driver), () => false);
    assert.ok(known.length >= rows.length);
    assert.equal(new Set(known.map(counterKey)).size, known.length);
    for (const { meaning, labels } of known) assert.equal(labels.length, MEANINGS[meaning].length, meaning);
  });
}

test('a driver has one table', () => {
  const drivers = DRIVER_TABLES.flatMap((table) => table.drivers);
  assert.equal(new Set(drivers).size, drivers.length);
});

test('pauses have both directions, and words are those of the help', () => {
  for (const { drivers, rows } of DRIVER_TABLES) {
    for (const meaning of ['pfc_frames', 'pause_frames'] as const) {
      const directions = rows.filter((row) => row[1] === meaning).map(([, , labels]) => labels.at(-1));
      assert.equal(
        directions.filter((word) => word === 'received').length,
        directions.length / 2,
        drivers[0],
      );
    }
  }
  const directions = DRIVER_TABLES.flatMap(({ rows }) =>
    rows.flatMap(([, meaning, labels]) => {
      const at = (MEANINGS[meaning] as readonly string[]).indexOf('direction');
      return at < 0 ? [] : [labels[at]];
    }),
  );
  assert.deepEqual([...new Set(directions)].sort(), ['received', 'sent']);
});

test('virtio_net does not say why it dropped a frame', () => {
  assert.deepEqual(meaningsOf('virtio_net').get('rx_drops')?.labels, ['received', 'any']);
});

test('docs/nic.md says which driver counts what', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../docs/nic.md', import.meta.url)), 'utf8');
  assert.ok(text.includes(`-->\n${renderCoverage()}\n`), `the table is not this one:\n${renderCoverage()}`);
});
