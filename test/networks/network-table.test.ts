// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderCidr } from '../../src/cidr.js';
import { loadNetworks } from '../../src/networks/load-networks.js';
import { NetworkNames } from '../../src/networks/network-names.js';
import { eventLoopPacer, listOf, type Named, tableOf } from '../support/networks/networks-fixture.js';

test('the longest network counts, and what is in none is in "none"', async () => {
  const { nameOf, table } = await tableOf([
    { cidr: '10.0.0.0/8', name: 'site' },
    { cidr: '10.1.0.0/16', name: 'rail-1' },
    { cidr: '10.1.2.3', name: 'head' },
    { cidr: '2001:db8::/32', name: 'site' },
    { cidr: '2001:db8:1::/48', name: 'rail-1' },
  ]);
  assert.deepEqual(
    ['9.255.255.255', '10.0.0.0', '10.1.0.0', '10.1.2.3', '10.1.2.4', '10.255.255.255', '11.0.0.0'].map(
      nameOf,
    ),
    ['none', 'site', 'rail-1', 'head', 'rail-1', 'site', 'none'],
  );
  assert.deepEqual(
    ['2001:db7:ffff::', '2001:db8::', '2001:db8:1::9', '2001:db8:2::', '2001:db9::', '::'].map(nameOf),
    ['none', 'site', 'rail-1', 'site', 'none', 'none'],
  );
  assert.deepEqual([table.prefixes, table.longestBits4, table.longestBits6], [5, 32, 48]);
});

test('numbers of names that another table gave are not its own', async () => {
  const names = new NetworkNames();
  await tableOf([{ cidr: '10.0.0.0/8', name: 'before' }], names);
  const { table } = await tableOf([{ cidr: '10.0.0.0/8', name: 'now' }], names);
  assert.deepEqual([0, 1, 2, 65_535].map(table.hasNumber), [false, false, true, false]);
});

test('networks longer than what is kept of addresses are refused, and take no number', async () => {
  const names = new NetworkNames();
  const list = listOf([
    { cidr: '10.0.0.0/8', name: 'a' },
    { cidr: '10.1.0.0/24', name: 'b' },
  ]);
  assert.deepEqual(await loadNetworks(list, names, eventLoopPacer(), { ipv4: 16, ipv6: 128 }), {
    problem:
      'there are networks of 24 bits, but flows.ipv4_prefix_length 16 leaves no more than that of addresses: raise it, or name shorter networks',
  });
  assert.equal(names.numberOf('c'), 1);
});

test('without networks every address is in none', async () => {
  const { nameOf, table } = await tableOf([]);
  assert.deepEqual(['0.0.0.0', '255.255.255.255', '::', 'ffff::', '::ffff:10.0.0.1'].map(nameOf), [
    'none',
    'none',
    'none',
    'none',
    'none',
  ]);
  assert.deepEqual([table.prefixes, table.longestBits4, table.longestBits6], [0, 0, 0]);
});

test('a network named "none" is a hole in a wider one', async () => {
  const { nameOf } = await tableOf([
    { cidr: '0.0.0.0/0', name: 'world' },
    { cidr: '10.0.0.0/8', name: 'none' },
    { cidr: '10.9.0.0/16', name: 'lab' },
  ]);
  assert.deepEqual(['9.0.0.1', '10.0.0.1', '10.9.0.1', '10.10.0.1', '11.0.0.1'].map(nameOf), [
    'world',
    'none',
    'lab',
    'none',
    'world',
  ]);
});

test('::ffff:a.b.c.d is the IPv4 address, unless IPv6 networks of that range are longer', async () => {
  const ipv4 = [
    { cidr: '10.0.0.0/8', name: 'four' },
    { cidr: '10.1.0.0/16', name: 'longer-four' },
    { cidr: '::/0', name: 'six' },
  ];
  const plain = await tableOf(ipv4);
  assert.deepEqual(
    ['::ffff:10.0.0.1', '::ffff:10.1.0.1', '::ffff:11.0.0.1', '::fffe:a00:1'].map(plain.nameOf),
    ['four', 'longer-four', 'none', 'six'],
  );
  const mixed = await tableOf([
    ...ipv4,
    { cidr: '::ffff:0.0.0.0/96', name: 'mapped' },
    { cidr: '::ffff:10.0.0.0/104', name: 'mapped-ten' },
  ]);
  assert.deepEqual(['::ffff:10.0.0.1', '::ffff:10.1.0.1', '::ffff:11.0.0.1', '11.0.0.1'].map(mixed.nameOf), [
    'mapped-ten',
    'longer-four',
    'mapped',
    'none',
  ]);
});

test('a network under two names is refused, with both lines', async () => {
  const list = listOf([
    { cidr: '10.0.0.0/8', name: 'a' },
    { cidr: '2001:db8::/32', name: 'a' },
    { cidr: '10.0.0.0/9', name: 'b' },
    { cidr: '2001:DB8:0::/32', name: 'b' },
    { cidr: '10.0.0.0/8', name: 'a' },
  ]);
  const names = new NetworkNames();
  assert.deepEqual(await loadNetworks(list, names, eventLoopPacer()), {
    problem: '2001:db8::/32 has two names, "a" (line 2) and "b" (line 4): leave one of them out',
  });
  assert.equal(names.numberOf('first'), 1, 'what is refused takes no numbers');
});

/** As the table sees it, without its cleverness. */
interface Plain {
  readonly width: 32 | 128;
  readonly value: bigint;
  readonly bits: number;
  readonly name: string;
}
const MAPPED = 0xffffn << 32n;

function has({ width, value, bits }: Plain, address: bigint): boolean {
  const rest = BigInt(width - bits);
  return address >> rest === value >> rest;
}

function longest(networks: readonly Plain[], address: bigint): string {
  const found = networks.filter((network) => has(network, address));
  return found.reduce((best, one) => (one.bits > best.bits ? one : best), { bits: -1, name: 'none' }).name;
}

function expectedName(networks: readonly Plain[], width: 32 | 128, address: bigint): string {
  const of = (wanted: 32 | 128) => networks.filter((network) => network.width === wanted);
  if (width === 32) return longest(of(32), address);
  if (address >> 32n !== 0xffffn) return longest(of(128), address);
  const within = of(128).filter(({ bits }) => bits >= 96);
  const four = of(32).map((one) => ({
    ...one,
    width: 128 as const,
    value: MAPPED | one.value,
    bits: 96 + one.bits,
  }));
  return longest([...within, ...four], address); // of equals the first
}

function textOf(width: 32 | 128, value: bigint, bits: number): string {
  const words = Array.from({ length: width / 32 }, (_, i) =>
    Number((value >> BigInt(width - 32 * (i + 1))) & 0xffff_ffffn),
  );
  return renderCidr({ ipVersion: width === 32 ? 4 : 6, words, bits });
}

/** Few different bits, so that networks nest, touch and repeat. */
function anyValue(width: 32 | 128): fc.Arbitrary<bigint> {
  const all = (1n << BigInt(width)) - 1n;
  const corner = fc.constantFrom(
    0n,
    all,
    1n,
    all - 1n,
    1n << BigInt(width - 1),
    all >> 1n,
    0x0a00_0000n,
    MAPPED & all,
  );
  const shift = fc.integer({ min: 0, max: width - 1 });
  const near = fc.tuple(corner, shift).map(([value, at]) => value ^ (1n << BigInt(at)));
  return fc.oneof(corner, near, fc.bigInt({ min: 0n, max: all }), width === 128 ? mappedValue() : corner);
}

function mappedValue(): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((low) => MAPPED | low);
}

function anyNetwork(width: 32 | 128): fc.Arbitrary<Plain> {
  const bits = fc.oneof(
    fc.integer({ min: 0, max: width }),
    fc.constantFrom(0, width, 8, width - 1, width === 32 ? 24 : 104),
  );
  return fc
    .tuple(anyValue(width), bits, fc.constantFrom('a', 'b', 'c', 'd', 'none', 'other'))
    .map(([value, length, name]) => {
      const rest = BigInt(width - length);
      return { width, value: (value >> rest) << rest, bits: length, name };
    });
}

test('law: every address has the name of its longest network, as a plain search finds it', async () => {
  const networks = fc.array(fc.oneof(anyNetwork(32), anyNetwork(128)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(networks, fc.array(anyValue(32)), fc.array(anyValue(128)), async (given, four, six) => {
      // Of equal networks all get the name of the first.
      const names = new Map<string, string>();
      const plain = given.map((one) => {
        const key = textOf(one.width, one.value, one.bits);
        if (!names.has(key)) names.set(key, one.name);
        return { ...one, name: names.get(key) ?? '' };
      });
      const named: Named[] = plain.map((one) => ({
        cidr: textOf(one.width, one.value, one.bits),
        name: one.name,
      }));
      const { nameOf } = await tableOf(named);
      const edges = (width: 32 | 128) =>
        plain
          .filter((one) => one.width === width)
          .flatMap(({ value, bits }) => {
            const size = 1n << BigInt(width - bits);
            const mask = (1n << BigInt(width)) - 1n;
            return [value - 1n, value, value + size / 2n, value + size - 1n, value + size].map(
              (at) => at & mask,
            );
          });
      const probe = (width: 32 | 128, address: bigint): void => {
        const text = textOf(width, address, width).replace(/\/\d+$/, '');
        assert.equal(
          nameOf(text),
          expectedName(plain, width, address),
          `${text} in ${JSON.stringify(named)}`,
        );
      };
      for (const address of [...edges(32), ...four]) {
        probe(32, address);
        probe(128, MAPPED | address);
      }
      for (const address of [...edges(128), ...six]) probe(128, address);
    }),
    { numRuns: 300 },
  );
});
