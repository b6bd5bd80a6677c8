// SPDX-License-Identifier: Apache-2.0
// Which flows the operator's rules mean, against a reference that goes by the text of addresses.

import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { flowRules } from '../../src/config/flow-rules.js';
import { createRuleFilter } from '../../src/flows/rule-filter.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const NAMES: Readonly<Record<number, string>> = { 1: 'eth0', 2: 'veth1.2' };

function asks(include: readonly string[], exclude: readonly string[], row: TestRow): boolean {
  const read = (rules: readonly string[]) => {
    const judgement = flowRules()(rules);
    assert.ok('value' in judgement, JSON.stringify(judgement));
    return judgement.value;
  };
  const keep = createRuleFilter({
    include: read(include),
    exclude: read(exclude),
    interfaceName: (id) => NAMES[id] ?? '',
  });
  return keep(drainOf([row]).keys, 0);
}

const ROW: TestRow = {
  kind: 1,
  src: [10, 1, 2, 3],
  dst: [192, 0, 2, 9],
  srcPort: 4000,
  dstPort: 443,
  protocol: 6,
};

for (const [rule, holds] of [
  ['net 10.0.0.0/8', true],
  ['net 192.0.2.9', true],
  ['net 10.1.2.4', false],
  ['net 0.0.0.0/0', true],
  ['net ::/0', false],
  ['src 10.1.2.3', true],
  ['src 192.0.2.9', false],
  ['dst 192.0.2.8/31', true],
  ['dst 192.0.2.10/31', false],
  ['port 443', true],
  ['port 4000', true],
  ['port 80', false],
  ['src_port 443', false],
  ['dst_port 443', true],
  ['protocol tcp', true],
  ['protocol udp', false],
  ['interface eth0', true],
  ['interface eth*', true],
  ['interface eth', false],
  ['interface *', true],
  ['interface e.h0', false],
  ['net 10.0.0.0/8 port 443 protocol tcp interface e*0', true],
  ['net 10.0.0.0/8 port 443 protocol udp', false],
] as const) {
  test(`${rule} ${holds ? 'holds' : 'does not hold'} for a TCP flow from 10.1.2.3 to 192.0.2.9:443 on eth0`, () => {
    assert.equal(asks([rule], [], ROW), holds);
    assert.equal(asks([], [rule], ROW), !holds);
  });
}

test('what any rule includes is in, and what any excludes is out, also where both say so', () => {
  assert.equal(asks(['port 1', 'port 443'], [], ROW), true);
  assert.equal(asks(['port 443'], ['port 1', 'net 10.0.0.0/8'], ROW), false);
  assert.equal(asks([], [], ROW), true);
});

test('any network means the addresses that it does elsewhere', () => {
  const byte = fc.nat(255);
  const near = (bytes: number) =>
    fc.array(fc.oneof(byte, fc.constantFrom(0, 255)), { minLength: bytes, maxLength: bytes });
  fc.assert(
    fc.property(
      fc
        .constantFrom(4, 16)
        .chain((bytes) => fc.tuple(near(bytes), near(bytes), fc.nat(8 * bytes), fc.nat(16))),
      ([network, other, bits, shared]) => {
        // An address that begins as the network does.
        const address = other.map((value, i) => (i < shared ? (network[i] ?? 0) : value));
        const isIpv6 = network.length === 16;
        const text = (bytes: readonly number[]): string => {
          if (!isIpv6) return bytes.join('.');
          const groups = Array.from(
            { length: 8 },
            (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
          );
          return groups.map((group) => group.toString(16)).join(':');
        };
        const list = new BlockList();
        list.addSubnet(text(network), bits, isIpv6 ? 'ipv6' : 'ipv4');
        const expected = list.check(text(address), isIpv6 ? 'ipv6' : 'ipv4');
        const row: TestRow = { ...ROW, src: address, ...(isIpv6 ? { ipVersion: 6 as const } : {}) };
        assert.equal(
          asks([`src ${text(network)}/${bits}`], [], row),
          expected,
          `${text(address)} in ${text(network)}/${bits}`,
        );
      },
    ),
  );
});
