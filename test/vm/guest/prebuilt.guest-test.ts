// SPDX-License-Identifier: Apache-2.0
// The native packages that come prebuilt, on the guest's architecture: what they make, they read again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '@node-rs/bcrypt';
import { compressSync, uncompressSync } from 'snappy';

test('snappy', () => {
  const text = Buffer.from('xtrace_network_bytes_total '.repeat(1000));
  const packed = compressSync(text);
  assert.ok(packed.length < text.length / 4);
  assert.deepEqual(uncompressSync(packed), text);
});

test('bcrypt', async () => {
  // Of the user "A.B.C" in crypt(3)'s test vectors (Openwall, $2a$05$CCCC...).
  const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
  assert.equal(await compare('U*U', hash), true);
  assert.equal(await compare('U*V', hash), false);
});
