// SPDX-License-Identifier: Apache-2.0
// As many networks as a file may have.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNetworks } from '../../src/networks/load-networks.js';
import { PREFIXES_MAX, readNetworkFile } from '../../src/networks/network-file.js';
import { NetworkNames } from '../../src/networks/network-names.js';
import { atEnd } from '../support/cleanup.js';
import { eventLoopPacer, rowWords } from '../support/networks/networks-fixture.js';

test('a million networks with 65,534 names are loaded, and one more is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'network-file-'));
  t.after(atEnd(() => rmSync(folder, { recursive: true, force: true })));
  const path = join(folder, 'networks');
  // From the last to the first, so that sorting has work.
  const half = PREFIXES_MAX / 2;
  const lines = Array.from({ length: half }, (_, k) => {
    const i = half - 1 - k;
    const name = `name ${i % 65_534}`;
    const hex = [i >> 16, i & 0xffff].map((group) => group.toString(16)).join(':');
    return `10.${i >> 16}.${(i >> 8) & 255}.${i & 255} ${name}\n2001:db8:${hex}::/64 ${name}\n`;
  });
  writeFileSync(path, lines.join(''));
  const read = await readNetworkFile(path, eventLoopPacer());
  assert.ok(!('problem' in read));
  const names = new NetworkNames();
  const loaded = await loadNetworks(read.list, names, eventLoopPacer());
  assert.ok(!('problem' in loaded));
  const { table } = loaded;
  assert.deepEqual([table.prefixes, loaded.names, loaded.namesBeyond], [PREFIXES_MAX, 65_534, 0]);
  for (const i of [0, 1, 65_533, 65_534, 65_535, 65_536, half - 1]) {
    const wanted = `name ${i % 65_534}`;
    const four = rowWords(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(names.nameOf(table.numberOf4(four[0] ?? 0)), wanted);
    const six = rowWords(`2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::7`);
    assert.equal(names.nameOf(table.numberOf6(six, 0)), wanted);
  }

  appendFileSync(path, '::/0 name 1\n');
  assert.deepEqual(
    { ...(await readNetworkFile(path, eventLoopPacer())), signature: '' },
    { problem: `${path}, line 1000001: a file has at most 1000000 networks, this one more`, signature: '' },
  );
});
