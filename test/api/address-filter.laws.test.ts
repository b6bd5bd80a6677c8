// SPDX-License-Identifier: Apache-2.0
// A flow matches a network exactly where the address in its label lies in it, as a naive reading of both texts
// by BigInt has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { SOURCE_ADDRESS_WORD } from '../../src/abi/row-key.js';
import { parseAddressFilter } from '../../src/api/address-filter.js';
import { parseAddressWords, renderCidr, wordMask } from '../../src/cidr.js';
import { flowAddressText } from '../../src/metrics/flow-labels.js';
import { roceAddressText } from '../../src/metrics/roce-labels.js';
import { drainOf } from '../support/flows/rows.js';
import { addressBytes } from '../support/roce/roce-rows.js';

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const byte = fc.constantFrom(0, 1, 10, 127, 128, 255);
const ipv4 = fc.array(byte, { minLength: 4, maxLength: 4 });
const ipv6 = fc.oneof(
  fc.array(byte, { minLength: 16, maxLength: 16 }),
  ipv4.map((last) => [...MAPPED, ...last]),
);

/** The bytes of the text's address, and its version. */
function addressNumber(text: string): { readonly version: 4 | 6; readonly value: bigint } {
  const words = parseAddressWords(text) ?? [];
  const value = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return { version: words.length === 1 ? 4 : 6, value };
}

function liesIn(addressText: string, cidrText: string): boolean {
  const [base = '', bits = ''] = cidrText.split('/');
  const [address, network] = [addressNumber(addressText), addressNumber(base)];
  if (address.version !== network.version) return false;
  const shift = BigInt((address.version === 4 ? 32 : 128) - Number(bits));
  return address.value >> shift === network.value >> shift;
}

/** A network around an address, of any length. */
function cidrAround(address: readonly number[], share: number): string {
  const view = new DataView(Uint8Array.from(address).buffer);
  const words = Array.from({ length: address.length / 4 }, (_, i) => view.getUint32(4 * i));
  const bits = Math.round(share * 8 * address.length);
  const masked = words.map((word, i) => (word & wordMask(bits, i)) >>> 0);
  return renderCidr({ ipVersion: address.length === 4 ? 4 : 6, words: masked, bits });
}

const cidr = fc
  .tuple(fc.oneof(ipv4, ipv6), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([address, share]) => cidrAround(address, share));

function filterOf(text: string) {
  const filter = parseAddressFilter(text);
  if ('problem' in filter) throw new Error(`${text} ${filter.problem}`);
  return filter;
}

test('of flows: IPv4, IPv6, and the GIDs of RoCE v1', () => {
  const flow = fc.oneof(
    ipv4.map((src) => ({ src, ipVersion: 4 as const, kind: KIND.tcp })),
    ipv6.map((src) => ({ src, ipVersion: 6 as const, kind: KIND.udp })),
    ipv6.map((src) => ({ src, ipVersion: 6 as const, kind: KIND.roceV1 })),
  );
  fc.assert(
    fc.property(flow, cidr, (row, network) => {
      const { keys } = drainOf([row]);
      const label = flowAddressText(keys, SOURCE_ADDRESS_WORD, row.ipVersion, row.kind);
      const matches = filterOf(network).matchesFlow(keys, 0, SOURCE_ADDRESS_WORD);
      assert.equal(matches, liesIn(label, network), `${label} in ${network}`);
    }),
    { numRuns: 2000 },
  );
});

test('of pairs, whose IPv4 is mapped', () => {
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), cidr, (address, network) => {
      const words = new Uint32Array(Uint8Array.from(addressBytes(address)).buffer);
      const label = roceAddressText(words, 0);
      assert.equal(filterOf(network).matchesPath(words, 0), liesIn(label, network), `${label} in ${network}`);
    }),
    { numRuns: 2000 },
  );
});

test('a filter around an address finds it', () => {
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), fc.double({ min: 0, max: 1, noNaN: true }), (address, share) => {
      const { keys } = drainOf([{ src: address, ipVersion: address.length === 4 ? 4 : 6, kind: KIND.tcp }]);
      assert.ok(filterOf(cidrAround(address, share)).matchesFlow(keys, 0, SOURCE_ADDRESS_WORD));
    }),
  );
});
