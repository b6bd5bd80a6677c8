// SPDX-License-Identifier: Apache-2.0
// What may be asked for, and the one sentence for what may not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { readFlowQuery, readHistoryQuery, readNoQuery, readPairQuery } from '../../src/api/query.js';

const LABELS = ['src_ip', 'dst_ip', 'traffic_type', 'interface'];
const flows = (query: string, labels = LABELS) => readFlowQuery(new URLSearchParams(query), labels);
const problemOf = (read: object): unknown => Reflect.get(read, 'problem');

test('nothing asked for is the usual', () => {
  assert.deepEqual(flows(''), {
    top: 50,
    by: 'bytes',
    interface: undefined,
    src: undefined,
    dst: undefined,
    kind: undefined,
  });
  assert.deepEqual(flows('src=&type=&top='), flows(''), 'an empty field of a form asks for nothing');
  assert.equal(Reflect.get(readPairQuery(new URLSearchParams()), 'by'), 'payload_bytes');
});

test('all that may be asked for', () => {
  const query = flows('top=1000&by=total_packets&interface=eth0&type=RoCE_v2&src=10.0.0.0/8&dst=2001:db8::1');
  assert.equal(problemOf(query), undefined);
  assert.equal(Reflect.get(query, 'kind'), KIND.roceV2);
  assert.equal(Reflect.get(query, 'interface'), 'eth0');
});

test('what is wrong is said in one sentence', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['colour=red', 'There is no parameter "colour"; there are top, by, interface, type, src, dst.'],
    ['top=5&top=6', 'The parameter top is given twice.'],
    ['top=1001', 'top must be a whole number from 1 to 1000, but is "1001".'],
    ['top=0', 'top must be a whole number from 1 to 1000, but is "0".'],
    ['top=-1', 'top must be a whole number from 1 to 1000, but is "-1".'],
    ['top=1e2', 'top must be a whole number from 1 to 1000, but is "1e2".'],
    ['by=size', 'There is no column "size"; by is one of bytes, packets, total_bytes, total_packets.'],
    [
      'src=10.0.0.1/8',
      'src: "10.0.0.1/8" has bits set beyond its first 8: write 10.0.0.0/8, or 10.0.0.1/32 for the address.',
    ],
    ['dst=here', 'dst: "here" is no network, such as 10.1.0.0/16 or 2001:db8::/32, and no address.'],
    [
      'type=tcp',
      'There is no traffic type "tcp"; there are None, TCP, UDP, RoCE_v2, RoCE_v2_UDP, RoCE_v1_IBoE, InfiniBand, Other, Non_IP, Malformed.',
    ],
  ];
  for (const [query, sentence] of wrong) assert.equal(problemOf(flows(query)), sentence, query);
  const long = String(problemOf(flows(`src=${'x'.repeat(5000)}`)));
  assert.ok(long.length < 200, 'it does not say all of it again');
  assert.equal(
    problemOf(readPairQuery(new URLSearchParams('type=TCP'))),
    'There is no parameter "type"; there are top, by, interface, src, dst.',
  );
  assert.equal(
    problemOf(readNoQuery(new URLSearchParams('x=1'))),
    'There is no parameter "x"; this path takes none.',
  );
  assert.equal(
    problemOf(readHistoryQuery(new URLSearchParams('flow=f1.2&pair=a'))),
    'Give flow or pair, not both of them.',
  );
});

test('flows cannot be chosen by what their labels leave out', () => {
  assert.equal(
    problemOf(flows('src=10.0.0.0/8', ['traffic_type'])),
    'Flows cannot be chosen by src: flows.labels leaves out src_ip.',
  );
  assert.equal(problemOf(flows('type=TCP', ['traffic_type'])), undefined);
});
