// SPDX-License-Identifier: Apache-2.0
// The filter over the flows, and their order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '../../src/cidr.js';
import type { Flow } from '../../web/model/answers.js';
import { isNetwork, matchesTexts, parseFlowFilter, queriesOf } from '../../web/model/flow-filter.js';
import {
  flowName,
  isExportersOrder,
  LARGEST_FIRST,
  mergeFlows,
  pressColumn,
  sortFlows,
} from '../../web/model/flow-order.js';

function flow(id: string, bytes: number, labels: Flow['labels'] = {}): Flow {
  return {
    id,
    labels,
    bits_per_second: bytes * 8,
    packets_per_second: 1,
    bytes,
    packets: 1,
    total_bytes: bytes,
    total_packets: 1,
  };
}

test('whole addresses and networks are asked for, all else is text', () => {
  for (const text of [
    '10.0.0.1',
    '10.0.0.0/8',
    '::',
    '2001:db8::/32',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
  ]) {
    assert.ok(isNetwork(text), text);
  }
  for (const text of [
    '10.0',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1/33',
    'eth0',
    '1::2::3',
    '12:34',
    '2001:db8::/129',
    '01.2.3.4',
    ':',
  ]) {
    assert.ok(!isNetwork(text), text);
  }
});

test('every IPv6 address that fast-check makes is one', () => {
  fc.assert(fc.property(fc.ipV6(), (address) => isNetwork(address)));
  fc.assert(fc.property(fc.ipV4(), (address) => isNetwork(address)));
});

test('words of a filter', () => {
  assert.deepEqual(parseFlowFilter('src:10.0.0.0/8 type:RoCE_v2 if:eth0 Web'), {
    params: { src: '10.0.0.0/8', type: 'RoCE_v2', interface: 'eth0' },
    eitherEnd: undefined,
    texts: ['web'],
    problem: '',
  });
  assert.equal(parseFlowFilter(' 10.0.0.1 ').eitherEnd, '10.0.0.1');
  assert.deepEqual(parseFlowFilter('src:').params, {}, 'a word that is being typed filters nothing');
  assert.match(parseFlowFilter('src:10.0').problem, /address or a network/);
  assert.match(parseFlowFilter('10.0.0.1 10.0.0.2').problem, /which is which/);
  assert.match(parseFlowFilter('type:TCP type:UDP').problem, /twice/);
  // On the way to 10.2.0.0/16: nothing that the exporter would refuse.
  for (const typed of ['10.2.0.0/', '10.2.0.0/1', 'src:10.2.0.0/1', '2001:db8::/3', '10.2.0.0/99']) {
    const { params, eitherEnd, problem } = parseFlowFilter(typed);
    assert.deepEqual({ params, eitherEnd }, { params: {}, eitherEnd: undefined }, typed);
    assert.match(problem, /^\S+ (has bits set beyond|must have a number).*\.$/, typed);
  }
  assert.deepEqual(parseFlowFilter('<b>x ":').texts, ['<b>x', '":']);
});

test('what is asked for is no network that the exporter refuses', () => {
  const typed = fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(140), fc.constantFrom('', 'src:', 'to:'));
  fc.assert(
    fc.property(typed, ([address, bits, key]) => {
      for (const { src, dst } of queriesOf(parseFlowFilter(`${key}${address}/${bits}`), {})) {
        for (const asked of [src, dst])
          assert.ok(asked === undefined || !('problem' in parseCidr(asked)), asked);
      }
    }),
  );
});

test('no input breaks the filter, and each query asks for what the API knows', () => {
  const known = ['top', 'by', 'src', 'dst', 'interface', 'type'];
  fc.assert(
    fc.property(fc.string(), (input) => {
      const queries = queriesOf(parseFlowFilter(input), { top: '20', by: 'bytes' });
      assert.ok(queries.length <= 2);
      for (const query of queries) for (const name of Object.keys(query)) assert.ok(known.includes(name));
    }),
  );
});

test('an address without an end is asked for as either, and each flow shown once', () => {
  const queries = queriesOf(parseFlowFilter('10.0.0.1'), { top: '20' });
  assert.deepEqual(queries, [
    { top: '20', src: '10.0.0.1' },
    { top: '20', dst: '10.0.0.1' },
  ]);
  assert.deepEqual(queriesOf(parseFlowFilter('10.0.0.1 src:10.0.0.2'), {}), [
    { src: '10.0.0.2', dst: '10.0.0.1' },
  ]);
  const both = flow('a', 1);
  assert.equal(mergeFlows([[both], [both, flow('b', 2)]]).length, 2);
});

test('text is looked for in every label, in whatever case', () => {
  const one = flow('a', 1, { src_ip: '10.0.0.1', traffic_type: 'TCP', interface: '<b>x' });
  assert.ok(matchesTexts(one, ['tcp', '<b>', '0.0.1']));
  assert.ok(!matchesTexts(one, ['tcp', 'udp']));
});

test('the same column turns round, another begins with its usual end', () => {
  assert.deepEqual(pressColumn(LARGEST_FIRST, 'rate'), { column: 'rate', isDescending: false });
  assert.deepEqual(pressColumn(LARGEST_FIRST, 'source'), { column: 'source', isDescending: false });
  assert.deepEqual(pressColumn(LARGEST_FIRST, 'total'), { column: 'total', isDescending: true });
  assert.ok(isExportersOrder(LARGEST_FIRST));
  assert.ok(!isExportersOrder({ column: 'rate', isDescending: false }));
  assert.ok(!isExportersOrder({ column: 'source', isDescending: true }));
});

test('addresses sort by their numbers', () => {
  const flows = ['10.0.0.10', '10.0.0.9', '9.0.0.1'].map((src, i) => flow(src, i, { src_ip: src }));
  const sorted = sortFlows(flows, { column: 'source', isDescending: false });
  assert.deepEqual(
    sorted.map(({ id }) => id),
    ['9.0.0.1', '10.0.0.9', '10.0.0.10'],
  );
  assert.equal(sortFlows(flows, LARGEST_FIRST)[0]?.id, '9.0.0.1');
});

test('sorting loses and invents no flow, and turned round it is the reverse by rate', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(), { maxLength: 30 }), (sizes) => {
      const flows = sizes.map((bytes) => flow(String(bytes), bytes));
      const down = sortFlows(flows, LARGEST_FIRST).map(({ id }) => id);
      const up = sortFlows(flows, { column: 'rate', isDescending: false }).map(({ id }) => id);
      assert.deepEqual(down, [...up].reverse());
      assert.deepEqual(
        down.map(Number),
        [...sizes].sort((a, b) => b - a),
      );
    }),
  );
});

test('ends show network, address and port, as far as labels have them', () => {
  const labels = { src_ip: '2001:db8::1', src_port: '443', dst_network: 'office', protocol: '47' };
  assert.equal(flowName({ labels }, 'source'), '[2001:db8::1]:443');
  assert.equal(flowName({ labels }, 'destination'), 'office');
  assert.equal(flowName({ labels }, 'type'), 'protocol 47');
  assert.equal(flowName({ labels }, 'interface'), '');
});
