// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { isKernelAtLeast, OLDEST_KERNEL, parseKernelVersion } from '../../src/system/kernel-version.js';

const RELEASES = [
  ['6.1.0-25-amd64', { major: 6, minor: 1 }],
  ['5.15.0', { major: 5, minor: 15 }],
  ['6.18-rc1', { major: 6, minor: 18 }],
  ['5.10.223-211.872.amzn2.x86_64', { major: 5, minor: 10 }],
] as const;

for (const [text, version] of RELEASES) {
  test(`${text} is ${version.major}.${version.minor}`, () => {
    assert.deepEqual(parseKernelVersion(text), version);
  });
}

test('what is no release is undefined', () => {
  for (const text of ['', 'linux', '6', 'v6.1']) assert.equal(parseKernelVersion(text), undefined);
});

test('this machine has a release', () => {
  assert.ok(parseKernelVersion(release()));
});

test('versions compare by number, not by text', () => {
  assert.ok(isKernelAtLeast({ major: 5, minor: 15 }, OLDEST_KERNEL));
  assert.ok(isKernelAtLeast({ major: 6, minor: 1 }, OLDEST_KERNEL));
  assert.ok(!isKernelAtLeast({ major: 5, minor: 9 }, OLDEST_KERNEL));
  assert.ok(!isKernelAtLeast({ major: 4, minor: 20 }, OLDEST_KERNEL));
});
