// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachAdvice, incumbentSentence } from '../../src/kernel/attach-advice.js';
import { ERRNO, errnoName } from '../../src/kernel/errno.js';

const EXPECTED = [
  [ERRNO.EOPNOTSUPP, 'native', /no native XDP.*ethtool -K eth0 lro off rx-gro-hw off/],
  [ERRNO.ENOTSUPP, 'native', /no native XDP/],
  [ERRNO.EINVAL, 'native', /mtu 1500.*ethtool -L eth0/],
  [ERRNO.ERANGE, 'native', /mtu 1500/],
  [ERRNO.ENOSPC, 'native', /queues/],
  [ERRNO.ENOMEM, 'native', /queues/],
  [ERRNO.EPERM, 'generic', /CAP_BPF, CAP_NET_ADMIN/],
  [ERRNO.EBUSY, 'native', /another XDP program/],
  [ERRNO.ENODEV, 'generic', /gone/],
  [ERRNO.EOPNOTSUPP, 'generic', /no generic XDP/],
] as const;

for (const [errno, mode, advice] of EXPECTED) {
  test(`${errnoName(errno)} of ${mode} mode has advice, after its name`, () => {
    const clause = attachAdvice(errno, mode, 'eth0');
    assert.ok(clause.startsWith(`${errnoName(errno)}: `));
    assert.match(clause, advice);
    assert.match(clause, /^[^\n]*[^.\n]$/);
  });
}

test('an errno we know nothing of is named', () => {
  assert.equal(attachAdvice(111, 'native', 'eth0'), 'ECONNREFUSED');
  assert.equal(attachAdvice(111, 'generic', 'eth0'), 'ECONNREFUSED');
});

test('an incumbent without a name is known by its id', () => {
  const sentence = incumbentSentence({ id: 42, name: '', mode: 'generic', isOurs: false }, 'eth0');
  assert.match(sentence, /^eth0 already has an XDP program \(id 42, generic mode\), which was left alone: /);
});
