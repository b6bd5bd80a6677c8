// SPDX-License-Identifier: Apache-2.0
// Numbers of interfaces by name, for what goes on from a former process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInterfaceIds } from '../../src/attach/interface-ids.js';

test('a name of a former process has one number, whoever asks first', () => {
  const ids = createInterfaceIds(['eth0'], (ifindex) => `if${ifindex}`);
  assert.equal(ids.idOfName('eth0'), 0);
  const id = ids.idOfName('if7');
  assert.equal(ids.nameOf(id), 'if7');
  assert.equal(ids.idOf(7), id);
  assert.equal(ids.idOfName('if7'), id);
});

test('an interface that is chosen late takes the number that its name has', () => {
  const ids = createInterfaceIds(['eth0'], () => undefined);
  const id = ids.idOfName('ens3');
  assert.equal(ids.rename(0, 'ens3'), id);
  assert.equal(ids.nameOf(id), 'ens3');
  assert.equal(ids.rename(0, 'ens4'), 0);
  assert.equal(ids.nameOf(0), 'ens4');
});

test('names beyond the limit share one number, and so does its name', () => {
  const ids = createInterfaceIds(['eth0'], () => undefined);
  const known = ids.idOfName('other');
  const numbers = new Set(Array.from({ length: 4000 }, (_, i) => ids.idOfName(`veth${i}`)));
  assert.ok(numbers.size <= 1025);
  assert.ok(numbers.has(known));
  assert.equal(ids.nameOf(known), 'other');
});
