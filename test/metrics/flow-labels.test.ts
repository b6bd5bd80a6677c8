// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { trafficType } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import type { FlowLabelOptions } from '../../src/metrics/flow-label-fields.js';
import { FLOW_LABELS } from '../../src/metrics/flow-label-fields.js';
import { createFlowLabelRenderer } from '../../src/metrics/flow-labels.js';
import { parseSampleLine } from '../support/exposition/sample-line.js';
import { encodeRow, FIXED_FLOWS, FIXED_LABELS, type FlowSpec } from '../support/exposition/series-fixture.js';

function renderText(options: FlowLabelOptions, spec: FlowSpec): string {
  const { render, maxLabelBytes } = createFlowLabelRenderer(options);
  const keys = new Uint32Array(2 * FLOW_ROW_WORDS);
  keys.set(encodeRow(spec), FLOW_ROW_WORDS);
  const out = new Uint8Array(maxLabelBytes + 20).fill(0x7e);
  const length = render(keys, FLOW_ROW_WORDS, out, 10);
  assert.ok(length <= maxLabelBytes, `${length} bytes do not fit ${maxLabelBytes}`);
  assert.equal(out[9], 0x7e);
  assert.equal(out[10 + length], 0x7e);
  return Buffer.from(out.subarray(10, 10 + length)).toString();
}

const plain: FlowLabelOptions = {
  interfaceName: () => 'eth0',
  hostIp: '10.1.1.1',
  collectAgg: 'default',
  vlan: false,
  queuePair: false,
};

test('a TCP flow has the labels of the contract in their order', () => {
  assert.equal(
    renderText(plain, FIXED_FLOWS[0]),
    'src_ip="192.168.1.30",dst_ip="192.168.1.40",src_port="443",dst_port="50234",protocol="6",' +
      'traffic_type="TCP",interface="eth0",host_ip="10.1.1.1",collect_agg="default"',
  );
});

test('the VLAN follows as the last label when asked for, 0 where there is none', () => {
  assert.match(renderText({ ...plain, vlan: true }, FIXED_FLOWS[0]), /,collect_agg="default",vlan="100"$/);
  assert.match(renderText({ ...plain, vlan: true }, { ...FIXED_FLOWS[0], vlan: 0 }), /,vlan="0"$/);
});

test('the queue pair follows after it when asked for, without the DSCP above its 24 bits', () => {
  const roce = { ...FIXED_FLOWS[0], queuePair: 0xfffffe, dscp: 46 };
  assert.match(
    renderText({ ...plain, vlan: true, queuePair: true }, roce),
    /,collect_agg="default",vlan="100",queue_pair="16777214"$/,
  );
  assert.match(renderText({ ...plain, queuePair: true }, FIXED_FLOWS[0]), /agg="default",queue_pair="0"$/);
  assert.doesNotMatch(renderText(plain, roce), /queue_pair/);
});

test('DSCP and direction follow them', () => {
  const marked = { ...FIXED_FLOWS[0], dscp: 26 };
  assert.match(
    renderText({ ...plain, queuePair: true, dscp: true, direction: true }, marked),
    /,queue_pair="0",dscp="26",direction="ingress"$/,
  );
  assert.doesNotMatch(renderText(plain, marked), /dscp|direction/);
});

test('a RoCE v1 GID that maps an IPv4 address is shown as IPv4, an IPv6 packet with one is not', () => {
  const [, , gid, ipv6] = FIXED_FLOWS;
  assert.ok(gid !== undefined && ipv6 !== undefined);
  assert.match(
    renderText(plain, gid),
    /^src_ip="10\.0\.0\.1",dst_ip="10\.0\.0\.2",.*traffic_type="RoCE_v1_IBoE"/,
  );
  assert.match(renderText(plain, ipv6), /^src_ip="2001:db8::1",dst_ip="::ffff:10\.0\.0\.2",/);
  const linkLocal = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1];
  assert.match(
    renderText(plain, { ...gid, src: linkLocal }),
    /^src_ip="fe80::200:0:0:1",dst_ip="10\.0\.0\.2"/,
  );
});

test('what an operator or a device is called is escaped and read back as it was', () => {
  const name = fc.string({ unit: 'binary', maxLength: 15 }).filter((text) => Buffer.byteLength(text) <= 15);
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(
      name,
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 0, max: 65535 }),
      byte,
      fc.array(byte, { minLength: 16, maxLength: 16 }),
      fc.boolean(),
      fc.boolean(),
      (interfaceName, collectAgg, port, kind, src, vlan, queuePair) => {
        const spec: FlowSpec = {
          ...FIXED_FLOWS[0],
          ipVersion: 6,
          src,
          dst: src,
          srcPort: port,
          vlan: port,
          queuePair: port,
          kind,
        };
        const options = { interfaceName: () => interfaceName, hostIp: 'x', collectAgg, vlan, queuePair };
        const text = renderText(options, spec);
        const { labels } = parseSampleLine(`x{${text}} 1`);
        const asked = [...(vlan ? ['vlan'] : []), ...(queuePair ? ['queue_pair'] : [])];
        assert.deepEqual([...labels.keys()], [...FLOW_LABELS, ...asked]);
        for (const name of asked) assert.equal(labels.get(name), String(port));
        assert.equal(labels.get('interface'), interfaceName);
        assert.equal(labels.get('collect_agg'), collectAgg);
        assert.equal(labels.get('src_port'), String(port));
        assert.equal(labels.get('traffic_type'), trafficType(kind).label);
      },
    ),
  );
});

test('maxLabelBytes is enough for the longest of everything', () => {
  const spec: FlowSpec = {
    ...FIXED_FLOWS[0],
    ipVersion: 6,
    src: new Array<number>(16).fill(255),
    dst: new Array<number>(16).fill(255),
    srcPort: 65535,
    dstPort: 65535,
    protocol: 255,
    kind: 5,
    vlan: 65535,
    queuePair: 0xffffff,
  };
  renderText(
    { interfaceName: () => '"'.repeat(15), hostIp: '"', collectAgg: '\\', vlan: true, queuePair: true },
    spec,
  );
});

test('an interface name that no kernel would give is refused', () => {
  assert.throws(
    () => renderText({ ...plain, interfaceName: () => 'sixteen-bytes-xx' }, FIXED_FLOWS[0]),
    /sixteen-bytes-xx.*15/,
  );
});

test('the name of an interface is asked for once', () => {
  let asked = 0;
  const { render, maxLabelBytes } = createFlowLabelRenderer({
    ...FIXED_LABELS,
    interfaceName: () => {
      asked++;
      return 'eth0';
    },
  });
  const out = new Uint8Array(maxLabelBytes);
  for (let i = 0; i < 3; i++) render(encodeRow(FIXED_FLOWS[0]), 0, out, 0);
  assert.equal(asked, 1);
});
