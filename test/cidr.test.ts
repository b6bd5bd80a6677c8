// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCidr, renderCidr, wordMask } from '../src/cidr.js';

const problemOf = (text: string): string => {
  const cidr = parseCidr(text);
  return 'problem' in cidr ? cidr.problem : '';
};

test('a network is its words, and an address the network of itself alone', () => {
  assert.deepEqual(parseCidr('10.1.0.0/16'), { ipVersion: 4, words: [0x0a01_0000], bits: 16 });
  assert.deepEqual(parseCidr('255.255.255.255'), { ipVersion: 4, words: [0xffff_ffff], bits: 32 });
  assert.deepEqual(parseCidr('0.0.0.0/0'), { ipVersion: 4, words: [0], bits: 0 });
  assert.deepEqual(parseCidr('2001:DB8:1::/48'), {
    ipVersion: 6,
    words: [0x2001_0db8, 0x0001_0000, 0, 0],
    bits: 48,
  });
  assert.deepEqual(parseCidr('::ffff:192.0.2.1'), {
    ipVersion: 6,
    words: [0, 0, 0xffff, 0xc000_0201],
    bits: 128,
  });
  assert.deepEqual(parseCidr('::/0'), { ipVersion: 6, words: [0, 0, 0, 0], bits: 0 });
});

for (const [text, problem] of [
  ['', /^is no network, such as 10\.1\.0\.0\/16 or 2001:db8::\/32, and no address$/],
  ['10.1.0/16', /^is no network/],
  ['010.1.0.0/16', /^is no network/],
  ['10.1.0.0.0/16', /^is no network/],
  ['10.1.0.256', /^is no network/],
  ['1:2:3:4:5:6:7:8:9', /^is no network/],
  ['1::2::3/64', /^is no network/],
  [':::/0', /^is no network/],
  ['10.1.0.0/', /^must have a number from 0 to 32 after the "\/"/],
  ['10.1.0.0/33', /^must have a number from 0 to 32/],
  ['10.1.0.0/255.255.0.0', /^must have a number from 0 to 32/],
  ['10.1.0.0/-1', /^must have a number/],
  ['2001:db8::/129', /^must have a number from 0 to 128/],
  ['fe80::%eth0/64', /^has a zone, which networks here do not have/],
  [
    '10.1.2.3/16',
    /^has bits set beyond its first 16: write 10\.1\.0\.0\/16, or 10\.1\.2\.3\/32 for the address$/,
  ],
  ['2001:db8::7/64', /: write 2001:db8::\/64, or 2001:db8::7\/128 for the address$/],
] as const) {
  test(`"${text}" is refused`, () => assert.match(problemOf(text), problem));
}

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const group = fc.oneof(fc.constant('0'), fc.constant('ffff'), fc.stringMatching(/^[0-9a-f]{1,4}$/));

test('law: what node:net takes for an address is one, and nothing else', () => {
  const piece = fc.oneof(group, fc.constantFrom('.', ':', '::', '1.2.3.4', '255', '256', '01', 'g', ' ', ''));
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.array(group, { minLength: 6, maxLength: 9 }).map((groups) => groups.join(':')),
    fc
      .tuple(fc.array(group, { maxLength: 7 }), fc.array(group, { maxLength: 7 }))
      .map(([front, back]) => `${front.join(':')}::${back.join(':')}`),
    fc.ipV4(),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal('problem' in parseCidr(text), isIP(text) === 0, text);
    }),
    { numRuns: 5000 },
  );
});

test('law: what is written is read again, as the URL standard writes it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.constant(0)), { minLength: 4, maxLength: 4 }), (words) => {
      const text = renderCidr({ ipVersion: 6, words, bits: 128 });
      assert.deepEqual(parseCidr(text), { ipVersion: 6, words, bits: 128 });
      const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
      const address = text.slice(0, -'/128'.length);
      if (!isMapped) assert.equal(`[${address}]`, new URL(`http://[${address}]`).hostname);
    }),
    { numRuns: 2000 },
  );
});

test('law: the network that is suggested is one, and holds the address', () => {
  fc.assert(
    fc.property(word, fc.integer({ min: 0, max: 32 }), (address, bits) => {
      const mask = wordMask(bits, 0);
      assert.equal(mask.toString(2).replace(/0+$/, '').length, bits === 0 ? 0 : bits);
      const text = renderCidr({ ipVersion: 4, words: [address], bits });
      const suggested = /write (\S+),/.exec(problemOf(text))?.[1] ?? text;
      assert.deepEqual(parseCidr(suggested), { ipVersion: 4, words: [(address & mask) >>> 0], bits });
    }),
  );
});
