// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from '../../src/metrics/definition.js';
import { RDMA_METRICS, rdmaFamilies } from '../../src/metrics/rdma-families.js';
import { FIXED_RDMA, fixedRdmaFamilies } from '../support/metrics/fixed-rdma.js';

const NAMES = RDMA_METRICS.map(({ definition }) => definition.name);

function samplesOf(name: string, families = fixedRdmaFamilies()): readonly Sample[] {
  const family = families.find((other) => other.name === name);
  assert.ok(family !== undefined, `no family ${name}`);
  return family.samples;
}

test('the order is that of the catalogue, with ports and without', () => {
  const without = rdmaFamilies({ ...FIXED_RDMA, ports: [], visibility: [] }, { hostIp: '', collectAgg: '' });
  for (const families of [fixedRdmaFamilies(), without]) {
    assert.deepEqual(
      families.map(({ name }) => name),
      NAMES,
    );
  }
  assert.deepEqual(
    without.flatMap(({ samples }) => samples),
    [],
  );
});

test('a rate is shown in bytes', () => {
  assert.deepEqual(
    samplesOf('xtrace_rdma_port_rate_bytes_per_second').map(({ value }) => value),
    [12.5e9],
  );
});

test('a port is told of once for each of its interfaces, and once where it has none', () => {
  const [port] = FIXED_RDMA.ports;
  assert.ok(port?.identity !== undefined);
  const bare = { ...port, identity: { ...port.identity, netdevs: [] } };
  const options = { hostIp: '', collectAgg: '' };
  const netdevs = (ports: typeof FIXED_RDMA.ports): (string | undefined)[] =>
    samplesOf('xtrace_rdma_port_info', rdmaFamilies({ ...FIXED_RDMA, ports }, options)).map(
      ({ labels }) => labels.find(([name]) => name === 'netdev')?.[1],
    );
  assert.deepEqual(netdevs([port]), ['eth0', 'eth0.100']);
  assert.deepEqual(netdevs([bare]), ['']);
});

test('only an active port is active', () => {
  const [port] = FIXED_RDMA.ports;
  assert.ok(port !== undefined);
  const values = ['active', 'down', 'init', 'armed', 'active_defer', undefined].map((state) => {
    const link = { state, physState: undefined, rateBitsPerSecond: undefined };
    const view = { ...FIXED_RDMA, ports: [{ ...port, link }] };
    return samplesOf('xtrace_rdma_port_active', rdmaFamilies(view, { hostIp: '', collectAgg: '' }))[0]?.value;
  });
  assert.deepEqual(values, [1, 0, 0, 0, 0, undefined]);
});

test('what may fall is a gauge, whatever else is in hw_counters a counter', () => {
  const [port] = FIXED_RDMA.ports;
  assert.ok(port !== undefined);
  const gauges = [
    'active_qps',
    'active_rc_qps',
    'watermark_mrs',
    'db_fifo_register',
    'current_rate',
    'num_qps_congested',
  ];
  const counters = [
    'rx_pkts',
    'resize_cq_cnt',
    'pacing_alerts',
    'rate_inc_events',
    'qps_active_errors',
    'num_errors',
  ];
  const hardware = Object.fromEntries([...gauges, ...counters].map((name) => [name, 1]));
  assert.ok(port.counters !== undefined);
  const ports = [{ ...port, counters: { ...port.counters, hardware } }];
  const families = rdmaFamilies({ ...FIXED_RDMA, ports }, { hostIp: '', collectAgg: '' });
  const names = (family: string): (string | undefined)[] =>
    samplesOf(family, families).map(({ labels }) => labels.find(([name]) => name === 'counter')?.[1]);
  assert.deepEqual(names('xtrace_rdma_hw_level'), gauges);
  assert.deepEqual(names('xtrace_rdma_hw_stats_total'), counters);
});

test('of a port that does not answer there are its failures, and no number', () => {
  const families = fixedRdmaFamilies().filter(({ samples }) =>
    samples.some(({ labels }) => labels.some(([, value]) => value === 'bnxt_re0')),
  );
  assert.deepEqual(
    families.map(({ name }) => name),
    ['xtrace_rdma_read_success', 'xtrace_rdma_read_failures_total'],
  );
});

test('every state of visibility stands in the help', () => {
  const visibility = RDMA_METRICS.find(({ definition }) => definition.name === 'xtrace_roce_visibility');
  for (const state of ['visible_soft', 'hidden_offload', 'hidden_infiniband', 'mirror', 'none']) {
    assert.ok(visibility?.definition.help.includes(`${state} (`), state);
  }
});
