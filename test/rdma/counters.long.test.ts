// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import {
  listRdmaDeviceCounters,
  parseCount,
  type RdmaCounters,
  readRdmaCounters,
} from '../../src/rdma/counters.js';
import { memorySysfs } from '../support/rdma/memory-sysfs.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { type DeviceSpec, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

let tree: RdmaSysfs | undefined;
afterEach(() => tree?.remove());

function read(spec: DeviceSpec, port = 1): RdmaCounters {
  tree = new RdmaSysfs({ dev0: spec });
  return readRdmaCounters({ sysfsPath: tree.path }, { device: 'dev0', port });
}

test('mlx5: words become bytes, all other files keep their names and values', () => {
  const { standard, hardware, ...rest } = read(devices.MLX5_ROCE);
  assert.deepEqual(rest, { receivedBytes: 4_000_000_000_000, transmittedBytes: 1000, unreadable: 0 });
  assert.deepEqual(standard, {
    VL15_dropped: 0,
    excessive_buffer_overrun_errors: 0,
    link_downed: 1,
    link_error_recovery: 0,
    local_link_integrity_errors: 0,
    multicast_rcv_packets: 17,
    multicast_xmit_packets: 3,
    port_rcv_constraint_errors: 0,
    port_rcv_errors: 0,
    port_rcv_packets: 4_000_017,
    port_rcv_remote_physical_errors: 0,
    port_rcv_switch_relay_errors: 0,
    port_xmit_constraint_errors: 0,
    port_xmit_discards: 5,
    port_xmit_packets: 1003,
    port_xmit_wait: 123_456_789,
    symbol_error: 0,
    unicast_rcv_packets: 4_000_000,
    unicast_xmit_packets: 1000,
  });
  assert.deepEqual(hardware, {
    duplicate_request: 3,
    local_ack_timeout_err: 2,
    np_cnp_sent: 77,
    np_ecn_marked_roce_packets: 88,
    out_of_sequence: 28,
    packet_seq_err: 27,
    req_transport_retries_exceeded: 0,
    roce_slow_restart: 4,
    rp_cnp_handled: 66,
    rx_write_requests: 4_294_967_295,
  });
});

test('files that are refused are left out and counted, the others are read', () => {
  const { standard, hardware, ...rest } = read(devices.BNXT_RE);
  assert.deepEqual(rest, { receivedBytes: undefined, transmittedBytes: undefined, unreadable: 3 });
  assert.deepEqual(standard, {});
  assert.equal(hardware['rx_pkts'], 600);
  assert.equal(Object.keys(hardware).length, 9);
});

test('"N/A (no PMA)" is no number', () => {
  const { standard, hardware, ...rest } = read(devices.IRDMA);
  assert.deepEqual(rest, { receivedBytes: undefined, transmittedBytes: undefined, unreadable: 21 });
  assert.deepEqual(standard, {});
  assert.deepEqual(hardware, { RxUDP: 5000, TxUDP: 40, cnpHandled: 6, ip4InOctets: 700_000 });
});

test('rxe has no counters/, and that is no failure', () => {
  const { standard, hardware, ...rest } = read(devices.RXE);
  assert.deepEqual(rest, { receivedBytes: undefined, transmittedBytes: undefined, unreadable: 0 });
  assert.deepEqual(standard, {});
  assert.equal(hardware['rcvd_pkts'], 14_762);
});

test('counters of a device are found as its port 0', () => {
  assert.deepEqual(read(devices.EFA, 0).hardware, { rx_bytes: 3, rx_drops: 1, tx_bytes: 2 });
  const both = new RdmaSysfs({ efa_0: devices.EFA, mlx5_0: devices.MLX5_ROCE });
  assert.deepEqual(listRdmaDeviceCounters({ sysfsPath: both.path }), [{ device: 'efa_0', port: 0 }]);
  both.remove();
});

test('a port that is gone has no counters', () => {
  const gone = {
    receivedBytes: undefined,
    transmittedBytes: undefined,
    standard: {},
    hardware: {},
    unreadable: 0,
  };
  assert.deepEqual(read(devices.EFA, 7), gone);
});

test('every decimal of 64 bits is a count, nothing else is', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (count) => {
      assert.equal(parseCount(String(count)), Number(count));
    }),
  );
  for (const none of [undefined, '', '-1', '+1', '1.0', '0x10', '1e3', ' 1', '1 2', 'N/A (no PMA)', '١']) {
    assert.equal(parseCount(none), undefined, none);
  }
  assert.equal(parseCount('18446744073709551616'), undefined);
  assert.equal(parseCount('99999999999999999999'), undefined);
  assert.equal(parseCount('000000000000000000000'), undefined);
});

test('whatever the files hold, every count is a finite number of at least 0, and each file is told of once', () => {
  const content = fc.oneof(
    fc.bigInt({ min: -5n, max: 2n ** 65n }).map(String),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constant(undefined),
  );
  const names = ['port_rcv_data', 'port_xmit_data', 'a', 'b', 'lifespan'];
  const paths = ['counters', 'hw_counters'].flatMap((folder) => names.map((name) => `${folder}/${name}`));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...paths), content), (texts) => {
      const files = memorySysfs(
        Object.fromEntries(
          Object.entries(texts).map(([path, text]) => [`/s/class/infiniband/x/ports/1/${path}`, text]),
        ),
      );
      const read = readRdmaCounters({ sysfsPath: '/s' }, { device: 'x', port: 1 }, { files });
      const counts = [read.receivedBytes ?? [], read.transmittedBytes ?? []].flat();
      counts.push(...Object.values(read.standard), ...Object.values(read.hardware));
      for (const count of counts) assert.ok(Number.isFinite(count) && count >= 0);
      const told = Object.keys(texts).filter((path) => !path.endsWith('/lifespan'));
      assert.equal(counts.length + read.unreadable, told.length);
    }),
    { numRuns: 2000 },
  );
});
