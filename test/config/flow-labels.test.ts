// SPDX-License-Identifier: Apache-2.0
// flows.labels: what is understood, one sentence for what is not, and what flows show with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowDetail, flowLabels, USUAL_LABELS } from '../../src/config/flow-labels.js';
import { FLOW_LABELS } from '../../src/metrics/flow-label-fields.js';

test('the usual labels are those of the catalogue, in its order', () => {
  assert.deepEqual(USUAL_LABELS, FLOW_LABELS);
});

test('labels are given once each, in the order in which they are shown', () => {
  assert.deepEqual(flowLabels()(['vlan', 'interface', 'src_ip', 'traffic_type', 'src_ip']), {
    value: ['src_ip', 'traffic_type', 'interface', 'vlan'],
  });
});

for (const [given, problem] of [
  ['src_ip', /^must be a list of labels, such as \[src_ip, dst_ip\], but is "src_ip"$/],
  [[], /^must name at least one label, such as traffic_type$/],
  [['interface', 'traffic_type', 'scr_ip'], /^a label is one of src_ip, .*, but one is "scr_ip".*src_ip/],
  [['interface', 'traffic_type', 7], /but one is 7$/],
] as const) {
  test(`${JSON.stringify(given)} is refused`, () => {
    const judgement = flowLabels()(given);
    assert.match('problem' in judgement ? judgement.problem : '', problem);
  });
}

test('what is kept of a flow is what a label shows', () => {
  const settings = {
    ports: 'all' as const,
    srcPort: true,
    dstPort: true,
    vlan: false,
    ipv4PrefixLength: 24,
    ipv6PrefixLength: 64,
  };
  const usual = flowDetail({ ...settings, labels: USUAL_LABELS }, false);
  assert.deepEqual(usual, {
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
    ipv4PrefixLength: 24,
    ipv6PrefixLength: 64,
  });
  const few = flowDetail({ ...settings, labels: ['dst_ip', 'traffic_type', 'interface', 'vlan'] }, false);
  assert.deepEqual(
    [few.srcIp, few.dstIp, few.srcPort, few.dstPort, few.protocol],
    [false, true, false, false, false],
  );
  assert.deepEqual([few.vlan, few.queuePair], [true, false]);
  assert.equal(flowDetail({ ...settings, labels: USUAL_LABELS }, true).queuePair, true);
  const none = flowDetail({ ...settings, ports: 'none', labels: USUAL_LABELS }, false);
  assert.deepEqual([none.srcPort, none.dstPort], [false, false]);
  assert.equal(flowDetail({ ...settings, labels: ['interface', 'traffic_type', 'dscp'] }, false).dscp, true);
  assert.equal(flowDetail({ ...settings, srcPort: false, labels: USUAL_LABELS }, true).srcPort, false);
});
