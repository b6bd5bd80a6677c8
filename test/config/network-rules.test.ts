// SPDX-License-Identifier: Apache-2.0
// networks: what is understood, and one sentence for what is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networksGiven } from '../../src/config/network-rules.js';
import { complaintsOf, resolveRun } from '../support/config/fixture-text.js';

test('a mapping of networks to names, in a file in either form', () => {
  const wanted = {
    networks: [
      { address: '10.1.0.0', bits: 16, name: 'rail-1' },
      { address: '2001:db8:1::', bits: 48, name: 'rail 1' },
      { address: '::', bits: 0, name: 'rest' },
      { address: '192.0.2.7', bits: 32, name: 'head node' },
    ],
  };
  const block = [
    'networks:',
    '  10.1.0.0/16: rail-1',
    '  2001:DB8:1::/48: rail 1',
    '  ::/0: rest',
    '  192.0.2.7: head node',
  ].join('\n');
  assert.deepEqual(resolveRun({ file: block }).networks, wanted);
  const flow =
    'networks: {10.1.0.0/16: rail-1, "2001:db8:1::/48": rail 1, "::/0": rest, 192.0.2.7: head node}';
  assert.deepEqual(resolveRun({ file: flow }).networks, wanted);
});

test('the path of a file', () => {
  assert.deepEqual(resolveRun({ file: 'networks: /etc/xtrace-catch/networks' }).networks, {
    file: '/etc/xtrace-catch/networks',
  });
});

test('a network under two spellings with one name is one', () => {
  const entries = [
    ['192.0.2.7', 'a'],
    ['192.0.2.7/32', 'a'],
  ];
  assert.deepEqual(networksGiven()(entries), {
    value: { networks: [{ address: '192.0.2.7', bits: 32, name: 'a' }] },
  });
});

for (const [given, problem] of [
  [
    'networks.txt',
    /^must be a mapping of networks to names, such as .*, or the absolute path of a file .*, but is "networks\.txt"$/,
  ],
  ['', /but is ""$/],
  [7, /but is 7$/],
  [['10.0.0.0/8'], /but is a list$/],
  [[[7, 'a']], /^a network is text, but one is 7; put it between quotes$/],
  [[['10.1.0/16', 'a']], /^"10\.1\.0\/16" is no network, such as/],
  [[['10.1.2.3/16', 'a']], /^"10\.1\.2\.3\/16" has bits set beyond its first 16: write 10\.1\.0\.0\/16/],
  [[['fe80::%eth0/64', 'a']], /^"fe80::%eth0\/64" has a zone/],
  [
    [['10.0.0.0/8', '']],
    /^the name of 10\.0\.0\.0\/8 must be text of 1 to 128 characters on one line, but is ""$/,
  ],
  [[['10.0.0.0/8', 'x'.repeat(129)]], /^the name of 10\.0\.0\.0\/8 must be text of 1 to 128 characters/],
  [[['10.0.0.0/8', 'a\u0000b']], /^the name of 10\.0\.0\.0\/8 must be text/],
  [[['10.0.0.0/8', null]], /^the name of 10\.0\.0\.0\/8 must be text .* but is without a value$/],
  [[['10.0.0.0/8', 17]], /^the name of 10\.0\.0\.0\/8 must be text, but is 17; put it between quotes$/],
  [
    [
      ['2001:db8::/32', 'a'],
      ['2001:DB8:0::/32', 'b'],
    ],
    /^2001:db8::\/32 has two names, "a" and "b": leave one of them out$/,
  ],
  [
    Array.from({ length: 1001 }, (_, i) => [`10.0.${i >> 8}.${i & 255}`, 'a']),
    /^may have 1000 networks, but has 1001: write them into a file and give its absolute path here$/,
  ],
] as const) {
  test(`${JSON.stringify(given).slice(0, 50)} is refused`, () => {
    const judgement = networksGiven()(given);
    assert.match('problem' in judgement ? judgement.problem : '', problem);
  });
}

test('all that is wrong is told at once, with its place', () => {
  const file = 'networks:\n  10.0.0.0/7: a\n  11.0.0.1/8: b\n';
  assert.deepEqual(complaintsOf({ file }), [
    'networks: "11.0.0.1/8" has bits set beyond its first 8: write 11.0.0.0/8, or 11.0.0.1/32 for the address (x.yaml, line 2)',
  ]);
});
