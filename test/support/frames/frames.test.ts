// SPDX-License-Identifier: Apache-2.0
// The frame builders against tshark: every header is read as it was meant, every checksum is right.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import * as roce from '../roce/roce-frames.js';
import * as control from './control-frames.js';
import * as frames from './frames.js';
import { parseCapture, renderPcap } from './pcap.js';

const { ethernet, ETHERTYPE, ipv4, ipv6, payloadOf } = frames;
const V4 = { src: '10.0.0.1', dst: '10.0.0.2' };
const V6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const DATA = payloadOf(33);
const haveTshark = spawnSync('tshark', ['--version']).status === 0;

/** A frame and the layers that tshark must see in it, from the front. */
const EXPECTED: readonly (readonly [string, Buffer])[] = [
  ['eth:ethertype:ip:tcp', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.tcp(1, 2, DATA)))],
  ['eth:ethertype:ip:udp', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.udp(1, 2, DATA)))],
  ['eth:ethertype:ip:udplite', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.udpLite(1, 2, DATA)))],
  ['eth:ethertype:ip:dccp', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.dccp(1, 2, DATA)))],
  ['eth:ethertype:ip:sctp', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.sctp(1, 2)))],
  ['eth:ethertype:ip:icmp', ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.icmpEcho(DATA)))],
  ['eth:ethertype:ipv6:tcp', ethernet(ETHERTYPE.ipv6, ipv6(V6, frames.tcp(1, 2, DATA)))],
  ['eth:ethertype:ipv6:udp', ethernet(ETHERTYPE.ipv6, ipv6(V6, frames.udp(1, 2, DATA)))],
  ['eth:ethertype:ipv6:icmpv6', ethernet(ETHERTYPE.ipv6, ipv6(V6, frames.icmpv6Echo(DATA)))],
  [
    'eth:ethertype:ip:udp',
    ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.udp(1, 2, DATA), { options: Buffer.from('94040000', 'hex') })),
  ],
  [
    'eth:ethertype:ipv6:ipv6.hopopts:ipv6.dstopts:ah:udp',
    ethernet(
      ETHERTYPE.ipv6,
      ipv6(V6, frames.udp(1, 2, DATA), {
        extensions: [frames.extension(0, 2), frames.extension(60), frames.authentication()],
      }),
    ),
  ],
  [
    'eth:ethertype:vlan:ethertype:ip:udp',
    ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.udp(1, 2)), [{ id: 5, priority: 3 }]),
  ],
  [
    'eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ip:udp',
    ethernet(ETHERTYPE.ipv4, ipv4(V4, frames.udp(1, 2)), [{ id: 5, etherType: 0x88a8 }, { id: 6 }]),
  ],
  ...frames
    .ipv4Fragments(V4, frames.udp(1, 2, payloadOf(100)), 64)
    .map((packet): [string, Buffer] => ['eth:ethertype:ip', ethernet(ETHERTYPE.ipv4, packet)]),
  ...frames
    .ipv6Fragments(V6, frames.udp(1, 2, payloadOf(100)), 64)
    .map((packet): [string, Buffer] => ['eth:ethertype:ipv6:ipv6.fraghdr', ethernet(ETHERTYPE.ipv6, packet)]),
  [
    'eth:ethertype:ip:udp:infiniband',
    ethernet(ETHERTYPE.ipv4, ipv4(V4, roce.roceV2({ opcode: 0x0a, destinationQp: 0x1234 }, DATA))),
  ],
  ['eth:ethertype:ipv6:udp:infiniband', ethernet(ETHERTYPE.ipv6, ipv6(V6, roce.congestionNotification(7)))],
  ['eth:ethertype:infiniband', roce.roceV1Frame(V6, { opcode: 0x04, destinationQp: 0x1234 }, DATA)],
  ['eth:ethertype:arp', control.arpRequest(V4.src, V4.dst)],
  ['eth:ethertype:arp', control.rarpRequest()],
  ['eth:ethertype:lldp', control.lldp()],
  ['eth:ethertype:macc', control.pause()],
  ['eth:ethertype:macc', control.priorityPause(3)],
  ['eth:llc:stp', control.spanningTree()],
  ['eth:ethertype:mpls:ip:udp', control.mpls(99, ipv4(V4, frames.udp(1, 2)))],
];

test('built frames are what they claim, as tshark reads them', {
  skip: !haveTshark && 'SKIPPED: no tshark',
}, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'frames-'));
  try {
    const file = path.join(folder, 'built.pcap');
    writeFileSync(file, renderPcap(EXPECTED.map(([, frame]) => frame)));
    const checks = ['ip', 'tcp', 'udp', 'udplite'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
    const whole = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
    const fields = ['frame.protocols', 'ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status'];
    const more = ['dccp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status'];
    const output = execFileSync(
      'tshark',
      [
        '-r',
        file,
        '-T',
        'fields',
        ...checks,
        ...whole,
        ...[...fields, ...more].flatMap((name) => ['-e', name]),
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const rows = output.trimEnd().split('\n');
    assert.equal(rows.length, EXPECTED.length);
    rows.forEach((row, i) => {
      const [layers = '', ...statuses] = row.split('\t');
      const [wanted, frame] = EXPECTED[i] ?? ['', Buffer.alloc(0)];
      assert.ok(
        `${layers}:`.startsWith(`${wanted}:`),
        `${layers} is not ${wanted}: ${frame.toString('hex')}`,
      );
      // 0 is bad, 1 good, 2 not checked, 3 not there. The first is the IPv4 header's.
      if (/:(tcp|udp|udplite|dccp|icmp|icmpv6)$/.test(wanted)) {
        assert.ok(statuses.slice(1).includes('1'), `no checksum of ${wanted}: ${row}`);
      }
      assert.ok(!statuses.some((status) => status.split(',').includes('0')), `checksum of ${wanted}: ${row}`);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a pcap file comes back as it was written', () => {
  const written = EXPECTED.map(([, frame]) => frame);
  const read = parseCapture(renderPcap(written));
  assert.deepEqual(
    read.map(({ bytes }) => bytes),
    written,
  );
});

test('a capture of the other byte order reads the same', () => {
  const swapped = renderPcap([Buffer.from('0102', 'hex')]);
  for (const offset of [0, 8, 12, 16, 20, 24, 28, 32, 36]) {
    swapped.subarray(offset, offset + 4).reverse();
  }
  assert.deepEqual(parseCapture(swapped), [
    { bytes: Buffer.from('0102', 'hex'), originalLengthBytes: 2, linkType: 1 },
  ]);
});

test('a capture that is cut off is refused', () => {
  const file = renderPcap([payloadOf(60)]);
  assert.throws(() => parseCapture(file.subarray(0, file.length - 1)), RangeError);
  assert.throws(() => parseCapture(Buffer.alloc(64)), RangeError);
});
