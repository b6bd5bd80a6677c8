// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TrafficRow } from '../../src/top/answers.js';
import { matchesRow, parseRowFilter } from '../../src/top/row-filter.js';

const row = (source: string, destination: string): TrafficRow => ({
  ...{ id: '1', source, destination, interfaceName: 'eth0', beganMs: 0, windows: [] },
  ...{ bitsPerSecond: 0, packetsPerSecond: 0, totalBytes: 0, totalPackets: 0 },
});

function matches(text: string, of: TrafficRow): boolean {
  const filter = parseRowFilter(text);
  assert.ok(!('problem' in filter), text);
  return matchesRow(filter, of, ['TCP', 'cluster-7']);
}

describe('rows', () => {
  const ipv4 = row('10.0.0.1:443', '192.168.1.2:50000');
  const ipv6 = row('[2001:db8::1]:443', 'fe80::1');
  const cases: [string, TrafficRow, boolean][] = [
    ['', ipv4, true],
    ['tcp', ipv4, true],
    ['TCP 443', ipv4, true],
    ['tcp udp', ipv4, false],
    ['Cluster', ipv4, true],
    ['eth0', ipv4, true],
    ['10.0.0.0/8', ipv4, true],
    ['192.168.0.0/16 10.0.0.0/8', ipv4, true],
    ['11.0.0.0/8', ipv4, false],
    ['2001:db8::/32', ipv6, true],
    ['fe80::/10', ipv6, true],
    ['10.0.0.0/8', ipv6, false],
    ['0.0.0.0/0', ipv6, false],
    ['a/b', ipv4, false],
    ['::/0', row('*', '*'), false],
  ];
  for (const [text, of, wanted] of cases) {
    test(`${text || 'nothing'}: ${of.source}`, () => assert.equal(matches(text, of), wanted));
  }
});

test('what the exporter is asked', () => {
  const filter = parseRowFilter('SRC:10.0.0.0/8 dst:2001:db8::1 type:roce x');
  assert.ok(!('problem' in filter));
  assert.deepEqual(
    [filter.src, filter.dst, filter.type, filter.words],
    ['10.0.0.0/8', '2001:db8::1', 'RoCE_v2', ['x']],
  );
});

describe('mistakes', () => {
  const cases: [string, RegExp][] = [
    ['src:10.0.0.1/8', /^src:10\.0\.0\.1\/8 has bits set beyond its first 8/],
    ['dst:', /^dst: is no network/],
    ['src:1.2.3.4 src:1.2.3.5', /^src: stands there twice$/],
    ['type:x', /^type: must be one of tcp, udp/],
    ['10.0.0.0/99', /must have a number from 0 to 32/],
  ];
  for (const [text, wanted] of cases) {
    test(text, () => {
      const filter = parseRowFilter(text);
      assert.match('problem' in filter ? filter.problem : '', wanted);
    });
  }
});
