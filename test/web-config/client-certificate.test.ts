// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_AUTH_TYPES } from '../../src/config/web-settings.js';
import { admitsClient } from '../../src/web-config/client-certificate.js';

const NONE = { certificate: undefined, isVerified: false };
const STRANGER = { certificate: { subjectAltName: 'DNS:a' }, isVerified: false };
const OURS = { certificate: { subjectAltName: 'DNS:a' }, isVerified: true };

test('each policy admits whom it says', () => {
  const admitted = CLIENT_AUTH_TYPES.map((policy) =>
    [NONE, STRANGER, OURS].map((client) => (admitsClient(policy, [], client) ? 1 : 0)).join(''),
  );
  assert.deepEqual(admitted, ['111', '111', '011', '011', '101', '001']);
});

test('names are compared whole, as the certificate has them', () => {
  const has = (subjectAltName: string, ...allowed: string[]) =>
    admitsClient('RequireAndVerifyClientCert', allowed, {
      certificate: { subjectAltName },
      isVerified: true,
    });
  assert.ok(has('DNS:one, DNS:two', 'two'));
  assert.ok(has('IP Address:127.0.0.1', '127.0.0.1'));
  assert.ok(has('IP Address:0:0:0:0:0:0:0:1', '::1'));
  assert.ok(has('IP Address:2001:DB8:0:0:0:0:0:1', '2001:db8::1'));
  assert.ok(has('URI:spiffe://a/b, email:x@y', 'spiffe://a/b'));
  assert.ok(has('URI:spiffe://a/b, email:x@y', 'x@y'));
  assert.ok(!has('DNS:two.example', 'two'));
  assert.ok(!has('', 'two'));
  // As node:crypto quotes what would look like another name.
  assert.ok(!has('DNS:"evil, DNS:two"', 'two'));
  assert.ok(has('DNS:"evil, DNS:two"', 'evil, DNS:two'));
});
