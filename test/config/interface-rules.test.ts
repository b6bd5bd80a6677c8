// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf, resolveRun } from '../support/config/fixture-text.js';

test('patterns come as they were written, from flag, variable and file', () => {
  assert.deepEqual(resolveRun({ argv: ['-i', 'auto,!usb*', '-i', 'bond0'] }).interfaces, [
    'auto',
    '!usb*',
    'bond0',
  ]);
  assert.deepEqual(resolveRun({ env: { NETWORK_INTERFACE: 'eth*, enp?s0' } }).interfaces, ['eth*', 'enp?s0']);
  assert.deepEqual(resolveRun({ file: "interfaces: ['eth[0-3]', '!eth2', 'eth[0-3]']" }).interfaces, [
    'eth[0-3]',
    '!eth2',
  ]);
});

const many = Array.from({ length: 10_000 }, (_, i) => `v${i}*`);

for (const [yaml, complaint] of [
  ['interfaces: []', 'must name at least one interface'],
  [
    "interfaces: ['!veth*']",
    'says only what to leave out: say what to take as well, such as [auto, "!usb*"]',
  ],
  ["interfaces: [eth0, '!']", '"!" leaves nothing out: put a name or a pattern after the "!"'],
  ["interfaces: ['eth[0']", '"eth[0" has a "[" without its "]"'],
  ["interfaces: [auto, '!auto']", '"!auto" cannot be left out: take "auto" out of the list'],
  ["interfaces: ['eth *']", 'no interface name has spaces, "/" or ":", so "eth *" matches none'],
  ["interfaces: [eth0, '!e*']", 'names "eth0", which "!e*" leaves out: take out one of the two'],
  [
    `interfaces: ['${'a'.repeat(200)}*']`,
    `a pattern has at most 128 characters, but one is "${'a'.repeat(60)}..."`,
  ],
  ['interfaces: [*np0]', 'a pattern that begins with "*" needs quotes in YAML'],
] as const) {
  test(`one sentence for ${yaml.slice(0, 60)}`, () => {
    assert.deepEqual(complaintsOf({ file: yaml }), [`interfaces: ${complaint} (x.yaml, line 1)`]);
  });
}

test('an empty pattern is none', () => {
  assert.deepEqual(complaintsOf({ file: "interfaces: ['']" }), [
    'interfaces: an interface name is 1 to 15 bytes without spaces, "/" and ":", but one is "" (x.yaml, line 1)',
  ]);
});

test('what YAML takes for something else', () => {
  const hint = '; text that begins with "!" or "*" needs quotes';
  assert.deepEqual(complaintsOf({ file: 'interfaces: [eth0, !veth*]' }), [
    `x.yaml:1:20: Unresolved tag${hint}`,
  ]);
  assert.deepEqual(complaintsOf({ file: 'interfaces: [*]' }), [
    `x.yaml:1:14: Alias cannot be an empty string${hint}`,
  ]);
});

test('ten thousand of them', () => {
  assert.deepEqual(complaintsOf({ argv: ['-i', many.join()] }), [
    '--interface: has 10000 patterns, but 1000 at most are taken',
  ]);
});
