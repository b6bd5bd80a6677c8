// SPDX-License-Identifier: Apache-2.0
// flows.include and flows.exclude: what is understood, and one sentence for what is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowRules, hiddenCondition } from '../../src/config/flow-rules.js';

test('a rule is its conditions', () => {
  const lines = [
    'net 10.0.0.0/8 port 53',
    '  src 2001:db8::/32   dst_port 443 protocol tcp ',
    'dst 192.0.2.1 src_port 0 protocol 47 interface eth*',
  ];
  assert.deepEqual(flowRules()(lines), {
    value: [
      { net: { address: '10.0.0.0', bits: 8 }, port: 53 },
      { src: { address: '2001:db8::', bits: 32 }, dstPort: 443, protocol: 6 },
      { dst: { address: '192.0.2.1', bits: 32 }, srcPort: 0, protocol: 47, interface: 'eth*' },
    ],
  });
});

for (const [given, problem] of [
  ['net 10.0.0.0/8', /^must be a list of rules, .* but is "net 10\.0\.0\.0\/8"$/],
  [[7], /^a rule is text, but one is 7$/],
  [[''], /^a condition is one of net, .*, but "" has ""/],
  [['from 10.0.0.1'], /^a condition is one of net, src, .*, but "from 10\.0\.0\.1" has "from"/],
  [['nett 10.0.0.1'], /has "nett".*net/],
  [['net'], /^after net comes an address or a network, such as 10\.0\.0\.0\/8, but not in "net"$/],
  [['net 10.0.0.0/33'], /^after net comes an address/],
  [['net fe80::1%eth0'], /^after net comes an address/],
  [['src 2001:db8::/129'], /^after src comes an address/],
  [['port 65536'], /^after port comes a port from 0 to 65535, but not in "port 65536"$/],
  [['protocol http'], /^after protocol comes a number from 0 to 255 or one of icmp, tcp/],
  [['protocol 256'], /^after protocol comes/],
  [['protocol constructor'], /^after protocol comes/],
  [['toString 1'], /^a condition is one of/],
  [['interface a/b'], /^after interface comes an interface name/],
  [['port 1 port 2'], /^a rule has each condition once, but "port 1 port 2" has two of port$/],
  [new Array(1001).fill('port 1'), /^may have 1000 rules, but has 1001$/],
] as const) {
  test(`${JSON.stringify(given).slice(0, 40)} is refused`, () => {
    const judgement = flowRules()(given);
    assert.match('problem' in judgement ? judgement.problem : '', problem);
  });
}

test('a rule that asks for what flows do not show is told', () => {
  const all = {
    srcIp: true,
    dstIp: true,
    srcPort: true,
    dstPort: true,
    protocol: true,
    trafficType: true,
    interface: true,
    srcNetwork: false,
    dstNetwork: false,
    vlan: false,
    queuePair: false,
    dscp: false,
    ipv4PrefixLength: 32,
    ipv6PrefixLength: 128,
  };
  const net = { address: '10.0.0.0', bits: 24 };
  assert.equal(hiddenCondition({ net, port: 53 }, all), undefined);
  assert.match(
    hiddenCondition({ port: 53 }, { ...all, srcPort: false }) ?? '',
    /flows\.src_port or flows\.labels/,
  );
  assert.match(
    hiddenCondition({ dstPort: 53 }, { ...all, dstPort: false }) ?? '',
    /flows\.dst_port or flows\.labels/,
  );
  assert.equal(hiddenCondition({ dstPort: 53 }, { ...all, srcPort: false }), undefined);
  assert.equal(hiddenCondition({ net }, { ...all, ipv4PrefixLength: 24 }), undefined);
  assert.match(hiddenCondition({ net }, { ...all, ipv4PrefixLength: 16 }) ?? '', /ipv4_prefix_length 16/);
  assert.match(hiddenCondition({ net }, { ...all, dstIp: false }) ?? '', /addresses that flows\.labels/);
  // The kernel keeps the protocol, and addresses of which networks are shown.
  assert.equal(hiddenCondition({ protocol: 6 }, { ...all, protocol: false }), undefined);
  const networks = { srcIp: false, dstIp: false, srcNetwork: true, dstNetwork: true };
  assert.equal(hiddenCondition({ net }, { ...all, ...networks }), undefined);
  const src = { address: '2001:db8::', bits: 64 };
  assert.match(hiddenCondition({ src }, { ...all, ipv6PrefixLength: 32 }) ?? '', /ipv6_prefix_length 32/);
});
