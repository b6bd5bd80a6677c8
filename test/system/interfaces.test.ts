// SPDX-License-Identifier: Apache-2.0
// Names from the table under a root, facts from a device seam; test/kernel has the real ones.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listInterfaces, parseInterfaceNames } from '../../src/system/interfaces.js';

const TABLE = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1296 12 0 0 0 0 0 0 1296 12 0 0 0 0 0 0
enp3s0f0np0:99999999999 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
  ib0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
`;

test('names stand before the last colon before the numbers, with or without a space', () => {
  assert.deepEqual(parseInterfaceNames(TABLE), ['lo', 'enp3s0f0np0', 'ib0']);
  assert.deepEqual(parseInterfaceNames(TABLE.replace('ib0:', 'a:b:')), ['lo', 'enp3s0f0np0', 'a:b']);
  assert.deepEqual(parseInterfaceNames(''), []);
});

test('the list is by index, without what went away meanwhile', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'xtrace-interfaces-'));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'proc/self/net'), { recursive: true });
  await writeFile(join(root, 'proc/self/net/dev'), TABLE);
  const facts = { linkType: 1, mtuBytes: 1500, isUp: true, driver: '' };
  const indexes = new Map([
    ['lo', 9],
    ['ib0', 2],
  ]);
  const netdev = {
    read(name: string) {
      const index = indexes.get(name);
      return index === undefined ? undefined : { ...facts, index };
    },
    close: () => undefined,
  };
  assert.deepEqual(listInterfaces({ root }, { netdev }), [
    { name: 'ib0', ...facts, index: 2 },
    { name: 'lo', ...facts, index: 9 },
  ]);
});
