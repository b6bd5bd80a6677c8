// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingCapabilities, readMissingCapabilities } from '../../src/kernel/capabilities.js';

/** Text like /proc/self/status, with these capability numbers in the effective set. */
function status(...capabilities: readonly number[]): string {
  const effective = capabilities.reduce((set, capability) => set | (1n << BigInt(capability)), 0n);
  const line = (name: string, set: bigint) => `${name}:\t${set.toString(16).padStart(16, '0')}`;
  return [
    'Name:\tnode',
    line('CapPrm', 0x1ffffffffffn),
    line('CapEff', effective),
    line('CapBnd', 0n),
    '',
  ].join('\n');
}

test('all three, or CAP_SYS_ADMIN for them: nothing is missing', () => {
  assert.deepEqual(missingCapabilities(status(12, 38, 39)), []);
  assert.deepEqual(missingCapabilities(status(21)), []);
});

test('what is missing is named', () => {
  assert.deepEqual(missingCapabilities(status()), ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON']);
  assert.deepEqual(missingCapabilities(status(39, 38)), ['CAP_NET_ADMIN']);
  assert.deepEqual(missingCapabilities(status(12, 38)), ['CAP_BPF']);
  assert.deepEqual(missingCapabilities(status(12, 39)), ['CAP_PERFMON']);
});

test('a text without the line lacks all', () => {
  assert.equal(missingCapabilities('Name:\tnode\n').length, 3);
});

test('this process has a status to read', () => {
  assert.ok(Array.isArray(readMissingCapabilities({ root: '/' })));
});
