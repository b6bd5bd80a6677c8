// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { flowAddressText } from '../../src/metrics/flow-labels.js';
import { createFlowLineRenderer } from '../../src/print/flow-line.js';
import { type TestFlow, viewOf } from '../support/print/series.js';

const options = { hostIp: '192.168.1.10', withInterface: false };
const parts = {
  formatIp: flowAddressText,
  interfaceName: (id: number) => `eth${id}`,
};

function lineOf(flow: TestFlow, withInterface = false): string {
  const view = viewOf([{ packets: 9 }, flow]); // not in the first row: a forgotten offset shows
  return createFlowLineRenderer({ ...options, withInterface }, parts)(view, view.inUse[1] ?? 0);
}

describe('the four lines of the contract', () => {
  const cases: [TestFlow, string][] = [
    [
      {
        ...{ src: '192.168.1.10', dst: '192.168.1.20', srcPort: 45678, dstPort: 4791 },
        ...{ protocol: 17, kind: KIND.roceV2Udp, packets: 1500, bytes: 2048000 },
      },
      '192.168.1.10:45678 -> 192.168.1.20:4791 proto=17 [RoCE v2/UDP] packets=1500 bytes=2048000 host_ip=192.168.1.10',
    ],
    [
      {
        ...{ src: '192.168.0.84', dst: '192.168.0.85', srcPort: 4791, dstPort: 4791 },
        ...{ protocol: 254, kind: KIND.roceV2, packets: 1500, bytes: 2048000 },
      },
      '192.168.0.84:4791 -> 192.168.0.85:4791 proto=254 [RoCE v2] packets=1500 bytes=2048000 host_ip=192.168.1.10',
    ],
    [
      {
        ...{ src: '::ffff:10.0.0.1', dst: '::ffff:10.0.0.2' },
        ...{ protocol: 21, kind: KIND.roceV1, packets: 2500, bytes: 3072000 },
      },
      '10.0.0.1:0 -> 10.0.0.2:0 proto=21 [RoCE v1/IBoE] packets=2500 bytes=3072000 host_ip=192.168.1.10',
    ],
    [
      {
        ...{ src: '192.168.1.30', dst: '192.168.1.40', srcPort: 80, dstPort: 50234 },
        ...{ protocol: 6, kind: KIND.tcp, packets: 100, bytes: 65536 },
      },
      '192.168.1.30:80 -> 192.168.1.40:50234 proto=6 [TCP] packets=100 bytes=65536 host_ip=192.168.1.10',
    ],
  ];
  for (const [flow, wanted] of cases) test(wanted, () => assert.equal(lineOf(flow), wanted));
});

test('with several interfaces a line starts with its interface', () => {
  const flow = {
    src: '10.0.0.1',
    dst: '10.0.0.2',
    interfaceId: 3,
    protocol: 1,
    kind: KIND.other,
    packets: 1,
    bytes: 98,
  };
  assert.equal(
    lineOf(flow, true),
    '[eth3] 10.0.0.1:0 -> 10.0.0.2:0 proto=1 [Other] packets=1 bytes=98 host_ip=192.168.1.10',
  );
});

test('IPv6 addresses stand in brackets before their port', () => {
  const flow = {
    ...{ src: '2001:db8::1', dst: 'fe80::2', srcPort: 443, dstPort: 65535 },
    ...{ protocol: 17, kind: KIND.udp, packets: 2, bytes: 4_500_000_000_000 },
  };
  assert.equal(
    lineOf(flow),
    '[2001:db8::1]:443 -> [fe80::2]:65535 proto=17 [UDP] packets=2 bytes=4500000000000 host_ip=192.168.1.10',
  );
});

test('a RoCE v1 flow between GIDs that are no IPv4 addresses', () => {
  const flow = { src: 'fe80::1', dst: 'fe80::2', protocol: 21, kind: KIND.roceV1, packets: 1, bytes: 100 };
  assert.match(lineOf(flow), /^\[fe80::1\]:0 -> \[fe80::2\]:0 proto=21 \[RoCE v1\/IBoE\] /);
});
