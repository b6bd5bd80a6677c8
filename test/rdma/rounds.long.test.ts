// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { waitFor } from '../support/conditions.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { HANGING, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';
import { startLine, type TestLine } from '../support/rdma/rounds-fixture.js';

let tree: RdmaSysfs;
let line: TestLine;
afterEach(() => {
  line.close();
  tree.remove();
});

test('soft-RoCE: every line that is shown', async () => {
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  line = startLine({ sysfsPath: tree.path });
  assert.deepEqual(line.lines(), []);
  await line.round();
  const port = 'device="rxe0",port="1"';
  assert.deepEqual(line.lines(/^(?!xtrace_rdma_read_duration)/), [
    `xtrace_rdma_port_info{${port},netdev="eth0",driver="rdma_rxe",link_layer="Ethernet",node_guid="5054:00ff:fe12:3456",firmware="",hca_type="",board_id="",virtual_function="false"} 1`,
    `xtrace_rdma_port_state_info{${port},state="active",physical_state="LinkUp"} 1`,
    `xtrace_rdma_port_active{${port}} 1`,
    `xtrace_rdma_port_rate_bytes_per_second{${port}} 12500000000`,
    `xtrace_rdma_hw_stats_total{${port},counter="ack_deferred"} 0`,
    `xtrace_rdma_hw_stats_total{${port},counter="completer_retry_err"} 0`,
    `xtrace_rdma_hw_stats_total{${port},counter="duplicate_request"} 4`,
    `xtrace_rdma_hw_stats_total{${port},counter="link_downed"} 0`,
    `xtrace_rdma_hw_stats_total{${port},counter="out_of_seq_request"} 28`,
    `xtrace_rdma_hw_stats_total{${port},counter="rcvd_pkts"} 14762`,
    `xtrace_rdma_hw_stats_total{${port},counter="rcvd_seq_err"} 27`,
    `xtrace_rdma_hw_stats_total{${port},counter="rdma_recvs"} 60`,
    `xtrace_rdma_hw_stats_total{${port},counter="rdma_sends"} 60`,
    `xtrace_rdma_hw_stats_total{${port},counter="sent_pkts"} 1319`,
    `xtrace_rdma_read_success{${port}} 1`,
    `xtrace_rdma_read_failures_total{${port},reason="timeout"} 0`,
    `xtrace_rdma_read_failures_total{${port},reason="error"} 0`,
    'xtrace_roce_visibility{interface="eth0",rdma_device="rxe0",state="visible_soft"} 1',
    'xtrace_roce_offload_unseen_packets{interface="eth0",rdma_device="rxe0"} 0',
  ]);
  assert.equal(line.lines(/^xtrace_rdma_read_duration_seconds\{\} \d/).length, 1);
});

test('cards of all kinds: bytes, gauges, refused files, and who belongs to whom', async () => {
  const { MLX5_ROCE, MLX5_INFINIBAND, BNXT_RE, EFA } = devices;
  tree = new RdmaSysfs(
    { bnxt_re0: BNXT_RE, efa_0: EFA, mlx5_0: MLX5_ROCE, mlx5_1: MLX5_INFINIBAND },
    { bond0: { lowers: ['eth2'] }, eth2: {}, mon0: {}, 'ib0.8001': {}, ens1f0np0: {} },
  );
  const interfaces = ['bond0', 'ib0.8001', 'ens1f0np0', 'mon0', 'lo'];
  line = startLine({ sysfsPath: tree.path, interfaces, roceSeen: (name) => (name === 'mon0' ? 9 : 0) });
  await line.round();
  assert.deepEqual(line.lines(/_bytes_total/), [
    'xtrace_rdma_port_received_bytes_total{device="mlx5_0",port="1"} 4000000000000',
    'xtrace_rdma_port_received_bytes_total{device="mlx5_1",port="1"} 4000000000000',
    'xtrace_rdma_port_transmitted_bytes_total{device="mlx5_0",port="1"} 1000',
    'xtrace_rdma_port_transmitted_bytes_total{device="mlx5_1",port="1"} 1000',
  ]);
  assert.deepEqual(line.lines(/hw_level/), [
    'xtrace_rdma_hw_level{device="bnxt_re0",port="1",counter="active_mrs"} 12',
    'xtrace_rdma_hw_level{device="bnxt_re0",port="1",counter="active_qps"} 7',
    'xtrace_rdma_hw_level{device="bnxt_re0",port="1",counter="db_fifo_register"} 4096',
    'xtrace_rdma_hw_level{device="bnxt_re0",port="1",counter="watermark_qps"} 9',
  ]);
  assert.deepEqual(line.lines(/hw_stats_total\{device="efa_0"/), [
    'xtrace_rdma_hw_stats_total{device="efa_0",port="0",counter="rx_bytes"} 3',
    'xtrace_rdma_hw_stats_total{device="efa_0",port="0",counter="rx_drops"} 1',
    'xtrace_rdma_hw_stats_total{device="efa_0",port="0",counter="tx_bytes"} 2',
  ]);
  assert.deepEqual(line.lines(/counter="(port_rcv_data|port_xmit_data|lifespan)"/), []);
  assert.equal(line.lines(/port_stats_total\{device="mlx5_0"/).length, 19);
  assert.deepEqual(line.lines(/read_failures_total\{device="bnxt_re0"/), [
    'xtrace_rdma_read_failures_total{device="bnxt_re0",port="1",reason="timeout"} 0',
    'xtrace_rdma_read_failures_total{device="bnxt_re0",port="1",reason="error"} 3',
  ]);
  assert.deepEqual(
    line.lines(/port_info/).map((text) => /device="(\w+)".*netdev="([^"]*)"/.exec(text)?.slice(1)),
    [
      ['bnxt_re0', 'ens1f0np0'],
      ['efa_0', ''],
      ['mlx5_0', 'eth2'],
      ['mlx5_0', 'eth2.100'],
      ['mlx5_1', 'ib0'],
      ['mlx5_1', 'ib0.8001'],
    ],
  );
  assert.deepEqual(
    line.lines(/port_active/).map((text) => text.at(-1)),
    ['0', '1', '1', '1'],
  );
  assert.deepEqual(line.lines(/visibility/), [
    'xtrace_roce_visibility{interface="bond0",rdma_device="mlx5_0",state="hidden_offload"} 1',
    'xtrace_roce_visibility{interface="ib0.8001",rdma_device="mlx5_1",state="hidden_infiniband"} 1',
    'xtrace_roce_visibility{interface="ens1f0np0",rdma_device="bnxt_re0",state="hidden_offload"} 1',
    'xtrace_roce_visibility{interface="mon0",rdma_device="",state="mirror"} 1',
    'xtrace_roce_visibility{interface="lo",rdma_device="",state="none"} 1',
  ]);
});

test('packets past XDP come to light, those it saw do not', async () => {
  const counters = 'mlx5_0/ports/1/counters/port_rcv_packets';
  tree = new RdmaSysfs({ mlx5_0: devices.MLX5_ROCE, rxe0: devices.RXE });
  const seen = new Map([
    ['eth0', 100],
    ['eth2', 5],
  ]);
  line = startLine({
    sysfsPath: tree.path,
    interfaces: ['eth0', 'eth2'],
    roceSeen: (name) => seen.get(name) ?? 0,
  });
  await line.round();
  tree.write(counters, 4_000_017 + 900);
  tree.write('rxe0/ports/1/hw_counters/rcvd_pkts', 14_762 + 300);
  seen.set('eth0', 100 + 300);
  seen.set('eth2', 5 + 20);
  await line.round();
  await line.round();
  assert.deepEqual(line.lines(/unseen/), [
    'xtrace_roce_offload_unseen_packets{interface="eth0",rdma_device="rxe0"} 0',
    'xtrace_roce_offload_unseen_packets{interface="eth2",rdma_device="mlx5_0"} 880',
  ]);
});

test('of an InfiniBand port nothing is subtracted', async () => {
  tree = new RdmaSysfs({ mlx5_1: devices.MLX5_INFINIBAND });
  let seen = 0;
  line = startLine({ sysfsPath: tree.path, interfaces: ['ib0'], roceSeen: () => seen });
  await line.round();
  tree.write('mlx5_1/ports/1/counters/port_rcv_packets', 4_000_017 + 500);
  seen = 100;
  await line.round();
  await line.round();
  assert.deepEqual(line.lines(/unseen/), [
    'xtrace_roce_offload_unseen_packets{interface="ib0",rdma_device="mlx5_1"} 500',
  ]);
});

test('without /sys/class/infiniband only visibility is shown, at once, and no process is started', async () => {
  tree = new RdmaSysfs();
  line = startLine({
    sysfsPath: tree.path,
    interfaces: ['eth0', 'mon0'],
    roceSeen: (name) => name.length - 4,
  });
  await line.round();
  const seen = line.lines();
  assert.deepEqual(seen, [
    'xtrace_roce_visibility{interface="eth0",rdma_device="",state="none"} 1',
    'xtrace_roce_visibility{interface="mon0",rdma_device="",state="none"} 1',
  ]);
  assert.deepEqual(childrenOf(process.pid), []);
});

test('a device that comes is shown, the series of one that goes end, and so does the process with the last', async () => {
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  line = startLine({ sysfsPath: tree.path, interfaces: ['eth0', 'eth2'] });
  await line.round();
  assert.equal(line.lines(/mlx5_0/).length, 0);
  tree.addDevice('mlx5_0', devices.MLX5_ROCE);
  await line.round();
  assert.ok(line.lines(/mlx5_0/).length > 20);
  tree.removeDevice('rxe0');
  await line.round();
  assert.equal(line.lines(/rxe0/).length, 0);
  assert.deepEqual(line.lines(/visibility\{interface="eth0"/), [
    'xtrace_roce_visibility{interface="eth0",rdma_device="",state="none"} 1',
  ]);
  assert.equal(childrenOf(process.pid).length, 1);
  tree.removeDevice('mlx5_0');
  await line.round();
  assert.equal(line.lines(/rdma_/).length, 2, 'visibility of two interfaces');
  await waitFor('the reading process to end', () => childrenOf(process.pid).length === 0);
});

test('a port that hangs is cut off and counted; the others are read, and its interface stays known', async () => {
  const hanging = {
    ...devices.MLX5_ROCE,
    ports: { 1: { ...devices.MLX5_ROCE.ports['1'], counters: { a: HANGING } } },
  };
  tree = new RdmaSysfs({ mlx5_0: hanging, rxe0: devices.RXE });
  line = startLine({ sysfsPath: tree.path, interfaces: ['eth0', 'eth2'], limitMs: 2000, restMs: 3_600_000 });
  await line.round();
  const expected = [
    'xtrace_rdma_read_success{device="mlx5_0",port="1"} 0',
    'xtrace_rdma_read_success{device="rxe0",port="1"} 1',
    'xtrace_rdma_read_failures_total{device="mlx5_0",port="1",reason="timeout"} 1',
  ];
  const pattern = /read_success|mlx5_0.*timeout/;
  assert.deepEqual(line.lines(pattern), expected);
  assert.equal(line.lines(/mlx5_0.*(counter=|active|state_info)/).length, 0);
  assert.deepEqual(line.lines(/visibility/), [
    'xtrace_roce_visibility{interface="eth0",rdma_device="rxe0",state="visible_soft"} 1',
    'xtrace_roce_visibility{interface="eth2",rdma_device="mlx5_0",state="hidden_offload"} 1',
  ]);
  await line.round(); // rests: not asked again, not counted again
  assert.deepEqual(line.lines(pattern), expected);
  const warnings = line.logged.filter((text) => text.includes('level=warn'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /cannot be read; .*device=mlx5_0 port=1 reason="no answer within 2000 ms"/);
});

test('until it is known whose a device is, nothing is said of interfaces that may be its own', async () => {
  const file = 'mlx5_0/ports/1/link_layer';
  const devicesHere = { efa_0: devices.EFA, mlx5_0: devices.MLX5_ROCE, rxe0: devices.RXE };
  tree = new RdmaSysfs(devicesHere);
  tree.write(file, HANGING);
  const interfaces = ['eth0', 'eth2', 'mon0', 'lo'];
  const roceSeen = (name: string): number => (name === 'eth2' || name === 'mon0' ? 9 : 0);
  line = startLine({ sysfsPath: tree.path, interfaces, roceSeen, limitMs: 2000 });
  await line.round();
  assert.deepEqual(line.lines(/visibility/), [
    'xtrace_roce_visibility{interface="eth0",rdma_device="rxe0",state="visible_soft"} 1',
  ]);
  assert.deepEqual(line.lines(/mlx5_0.*"timeout"/), [
    'xtrace_rdma_read_failures_total{device="mlx5_0",port="1",reason="timeout"} 1',
  ]);
  tree.write(file, 'Ethernet');
  await waitFor('the device to be known', async () => {
    await line.round();
    return line.lines(/port_info\{device="mlx5_0"/).length > 0;
  });
  assert.deepEqual(line.lines(/visibility/), [
    'xtrace_roce_visibility{interface="eth0",rdma_device="rxe0",state="visible_soft"} 1',
    'xtrace_roce_visibility{interface="eth2",rdma_device="mlx5_0",state="hidden_offload"} 1',
    'xtrace_roce_visibility{interface="mon0",rdma_device="",state="mirror"} 1',
    'xtrace_roce_visibility{interface="lo",rdma_device="",state="none"} 1',
  ]);
});

test('a port that has come back is read again, and the log says so', async () => {
  const file = 'rxe0/ports/1/hw_counters/rcvd_pkts';
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  tree.write(file, HANGING);
  line = startLine({ sysfsPath: tree.path, limitMs: 2000 });
  await line.round();
  tree.write(file, 7);
  await waitFor('the port to be read', async () => {
    await line.round();
    return line.lines(/rcvd_pkts/).length === 1;
  });
  assert.deepEqual(line.lines(/timeout/), [
    'xtrace_rdma_read_failures_total{device="rxe0",port="1",reason="timeout"} 1',
  ]);
  assert.equal(line.logged.filter((text) => text.includes('can be read again')).length, 1);
});

test('a refresh during a round starts no second one', async () => {
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  line = startLine({ sysfsPath: tree.path });
  line.refresh();
  line.refresh();
  await line.round();
  assert.equal(line.count(), 1);
});

test('a signal to all processes of a terminal or service leaves the reader to its parent', async () => {
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  line = startLine({ sysfsPath: tree.path });
  await line.round();
  const [pid = ''] = childrenOf(process.pid);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(Number(pid), signal);
  await line.round();
  assert.deepEqual(childrenOf(process.pid), [pid]);
  assert.equal(line.lines(/read_success.* 1$/).length, 1);
});

/** Process ids, from /proc. */
function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '');
}
