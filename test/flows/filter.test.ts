// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING, KIND, KIND_MAX } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import {
  createFilter,
  DNS_RESOLVERS,
  FILTER_NAMES,
  type FilterName,
  kindsWanted,
} from '../../src/flows/filter.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const ETHERNET_ID = 1;
const INFINIBAND_ID = 2;
const UNKNOWN_ID = 3;

function linkFraming(interfaceId: number) {
  if (interfaceId === ETHERNET_ID) return FRAMING.ethernet;
  return interfaceId === INFINIBAND_ID ? FRAMING.infiniband : undefined;
}

function keeps(filter: FilterName, excludeDns: boolean, row: TestRow): boolean {
  // Not at the start, so that an offset forgotten is an error found.
  const drain = drainOf([{ kind: KIND.none, interfaceId: 99 }, row]);
  return createFilter({ filter, excludeDns, linkFraming })(drain.keys, FLOW_ROW_WORDS);
}

const { tcp, udp, roceV2, roceV2Udp, roceV1, infiniband, other } = KIND;
const FLOW_KINDS = [tcp, udp, roceV2, roceV2Udp, roceV1, infiniband, other];

/** On an Ethernet link. */
const KEPT: Record<FilterName, readonly number[]> = {
  roce: [roceV2, roceV2Udp, roceV1],
  roce_v1: [roceV1],
  roce_v2: [roceV2, roceV2Udp],
  tcp: [tcp],
  udp: [udp],
  ib: [],
  all: FLOW_KINDS,
};

for (const filter of FILTER_NAMES) {
  test(`${filter} keeps its kinds on every link`, () => {
    for (const kind of FLOW_KINDS) {
      const expected = KEPT[filter].includes(kind);
      assert.equal(keeps(filter, false, { kind }), expected, `kind ${kind}`);
      if (filter === 'ib') continue;
      const onInfiniband = { kind, interfaceId: INFINIBAND_ID, ipVersion: 6 as const };
      assert.equal(keeps(filter, false, onInfiniband), expected, `kind ${kind} on InfiniBand`);
    }
  });
}

test('ib keeps every kind that arrives on an InfiniBand link, and nothing from elsewhere', () => {
  for (const kind of FLOW_KINDS) {
    assert.equal(keeps('ib', false, { kind, interfaceId: INFINIBAND_ID }), true, `kind ${kind}`);
    assert.equal(keeps('ib', false, { kind, interfaceId: UNKNOWN_ID }), false, `kind ${kind}`);
  }
});

test('a kind of a later kernel half is kept by all and by no other filter', () => {
  for (const filter of FILTER_NAMES) {
    // 33 and 38: shifts count modulo 32, so these would pass for kinds 1 and 6.
    for (const kind of [KIND_MAX, 15, 33, 38, 255]) {
      assert.equal(keeps(filter, false, { kind }), filter === 'all', `${filter}, kind ${kind}`);
    }
  }
});

test('exclude-dns leaves out the eight resolvers on either side, IPv4 only', () => {
  assert.equal(DNS_RESOLVERS.length, 8);
  const host = [192, 168, 1, 10];
  for (const resolver of DNS_RESOLVERS) {
    const address = resolver.split('.').map(Number);
    const row = { kind: udp, srcPort: 53 };
    assert.equal(keeps('all', true, { ...row, src: address, dst: host }), false, `from ${resolver}`);
    assert.equal(keeps('udp', true, { ...row, src: host, dst: address }), false, `to ${resolver}`);
    assert.equal(
      keeps('all', false, { ...row, src: address, dst: host }),
      true,
      `${resolver}, not asked for`,
    );
    assert.equal(
      keeps('all', true, { ...row, src: address, dst: host, ipVersion: 6 }),
      true,
      `${resolver} in IPv6`,
    );
    const mirrored = [...address].reverse();
    const isResolverToo = DNS_RESOLVERS.includes(mirrored.join('.'));
    assert.equal(keeps('all', true, { ...row, src: mirrored, dst: host }), !isResolverToo, `${mirrored}`);
  }
  assert.equal(keeps('all', true, { kind: tcp, src: host, dst: [8, 8, 8, 9] }), true);
});

test('exclude-dns brings nothing back that the filter leaves out', () => {
  assert.equal(keeps('tcp', true, { kind: udp, src: [10, 0, 0, 1] }), false);
});

test('kindsWanted names, by framing, the kinds that the filter can keep', () => {
  for (const filter of FILTER_NAMES) {
    const wanted = kindsWanted(filter);
    for (const kind of FLOW_KINDS) {
      const expected = [
        KEPT[filter].includes(kind),
        filter === 'ib' || KEPT[filter].includes(kind),
        KEPT[filter].includes(kind),
      ];
      assert.deepEqual(
        wanted.map((mask) => ((mask >>> kind) & 1) === 1),
        expected,
        `${filter}, kind ${kind}`,
      );
    }
    for (const mask of wanted) {
      assert.equal((mask >>> KIND.nonIp) & 1, 1);
      assert.equal((mask >>> KIND.malformed) & 1, 1);
    }
  }
});
