// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { IP_TEXT_MAX_BYTES, writeDecimal, writeIpv4, writeIpv6 } from '../../src/metrics/ip-text.js';

function ipv6Text(bytes: readonly number[]): string {
  const words = new Uint32Array(5);
  new Uint8Array(words.buffer).set(bytes, 4);
  const out = new Uint8Array(64).fill(0x7e);
  const end = writeIpv6(out, 3, words, 1);
  assert.ok(end - 3 <= IP_TEXT_MAX_BYTES);
  assert.equal(out[end], 0x7e, 'nothing is written after the end');
  return Buffer.from(out.subarray(3, end)).toString();
}

function groups(text: string): number[] {
  return text.split(' ').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

// RFC 5952, sections 4 and 5.
const RFC_5952: readonly (readonly [string, string])[] = [
  ['2001 db8 0 0 1 0 0 1', '2001:db8::1:0:0:1'],
  ['2001 db8 0 0 0 0 2 1', '2001:db8::2:1'],
  ['2001 db8 0 1 1 1 1 1', '2001:db8:0:1:1:1:1:1'],
  ['2001 0 0 1 0 0 0 1', '2001:0:0:1::1'],
  ['2001 db8 aaaa bbbb cccc dddd eeee AAAA', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa'],
  ['0 0 0 0 0 0 0 0', '::'],
  ['0 0 0 0 0 0 0 1', '::1'],
  ['fe80 0 0 0 0 0 0 0', 'fe80::'],
  ['0 0 1 2 3 4 0 0', '::1:2:3:4:0:0'],
  ['ffff ffff ffff ffff ffff ffff ffff ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['0 0 0 0 0 ffff c000 201', '::ffff:192.0.2.1'],
  ['0 0 0 0 0 fffe c000 201', '::fffe:c000:201'],
  ['0 0 0 0 1 ffff c000 201', '::1:ffff:c000:201'],
];

for (const [address, expected] of RFC_5952) {
  test(`writeIpv6 writes ${expected}`, () => assert.equal(ipv6Text(groups(address)), expected));
}

test('writeIpv6 agrees with the URL parser of Node on every address', () => {
  const byte = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 16, maxLength: 16 }), (bytes) => {
      const text = ipv6Text(bytes);
      assert.ok(isIPv6(text));
      if (text.startsWith('::ffff:') && text.includes('.')) return; // WHATWG writes mapped ones in hex
      const plain = Array.from({ length: 8 }, (_, i) =>
        (((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0)).toString(16),
      );
      assert.equal(`[${text}]`, new URL(`http://[${plain.join(':')}]/`).hostname);
    }),
    { numRuns: 2000 },
  );
});

test('writeIpv6 writes a mapped address with its IPv4 part dotted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (last) => {
      const bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...last];
      assert.equal(ipv6Text(bytes), `::ffff:${last.join('.')}`);
    }),
  );
});

test('writeIpv4 writes the four bytes in wire order', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      const out = new Uint8Array(20);
      const end = writeIpv4(out, 2, new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true));
      const text = Buffer.from(out.subarray(2, end)).toString();
      assert.ok(isIPv4(text));
      assert.equal(text, bytes.join('.'));
    }),
  );
});

test('writeDecimal writes every integer as String does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (value) => {
      const out = new Uint8Array(16);
      const end = writeDecimal(out, 1, value);
      assert.equal(Buffer.from(out.subarray(1, end)).toString(), String(value));
    }),
    { examples: [[0], [9], [10], [99], [100], [65535], [2 ** 31 - 1]] },
  );
});
