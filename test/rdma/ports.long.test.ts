// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  listRdmaPorts,
  parseNumberedName,
  parseRate,
  type RdmaPort,
  readRdmaPorts,
} from '../../src/rdma/ports.js';
import { memorySysfs } from '../support/rdma/memory-sysfs.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { type DeviceSpec, HANGING, RdmaSysfs, REFUSED } from '../support/rdma/rdma-sysfs.js';

let tree: RdmaSysfs | undefined;
afterEach(() => tree?.remove());

function read(specs: Readonly<Record<string, DeviceSpec>>): RdmaPort[] {
  tree = new RdmaSysfs(specs);
  return readRdmaPorts({ sysfsPath: tree.path });
}

test('a RoCE port of mlx5, with all that is known of it', () => {
  assert.deepEqual(read({ mlx5_0: devices.MLX5_ROCE }), [
    {
      device: 'mlx5_0',
      port: 1,
      driver: 'mlx5_core',
      isSoft: false,
      linkLayer: 'Ethernet',
      state: 'active',
      physState: 'LinkUp',
      rateBitsPerSecond: 100e9,
      netdevs: ['eth2', 'eth2.100'],
      hasGidNetdevs: true,
      nodeGuid: '0c42:a103:0065:bf0a',
      firmwareVersion: '22.39.2048',
      hcaType: 'MT4125',
      boardId: 'MT_0000000359',
      isVirtualFunction: false,
    },
  ]);
});

test('an InfiniBand port has the IPoIB interfaces of its device', () => {
  const [port] = read({ mlx5_1: devices.MLX5_INFINIBAND });
  assert.equal(port?.linkLayer, 'InfiniBand');
  assert.equal(port?.rateBitsPerSecond, 400e9);
  assert.deepEqual(port?.netdevs, ['ib0', 'ib0.8001']);
  assert.equal(port?.hasGidNetdevs, false);
});

test('with two ports on one function, each has its own interfaces, children included', () => {
  const ports = read({ mlx4_0: devices.MLX4_TWO_PORTS });
  assert.deepEqual(
    ports.map(({ port, state, netdevs }) => ({ port, state, netdevs })),
    [
      { port: 1, state: 'init', netdevs: ['ib1'] },
      { port: 2, state: 'active', netdevs: ['ib2', 'ib2.8001'] },
    ],
  );
});

test('a virtual function that is down', () => {
  const [port] = read({ bnxt_re0: devices.BNXT_RE });
  assert.equal(port?.driver, 'bnxt_en');
  assert.equal(port?.isVirtualFunction, true);
  assert.equal(port?.state, 'down');
  assert.equal(port?.physState, 'Disabled');
  assert.equal(port?.rateBitsPerSecond, 2.5e9);
});

test('RDMA in software is told from the card below it', () => {
  const ports = read({ rxe0: devices.RXE, siw0: devices.SIW, irdma0: devices.IRDMA });
  assert.deepEqual(
    ports.map(({ device, driver, isSoft, netdevs }) => [device, driver, isSoft, netdevs]),
    [
      ['irdma0', 'ice', false, ['ens2f0']],
      ['rxe0', 'rdma_rxe', true, ['eth0']],
      ['siw0', 'siw', true, ['eth2']],
    ],
  );
});

test('siw whose description was overwritten is known by its name, an RNIC of hardware is not siw', () => {
  const nameless = { ...devices.SIW, files: { node_type: '4: RNIC', node_desc: 'host7 HCA-1' } };
  const ports = read({ siw_eth2: nameless, cxgb4_0: { ...nameless, driver: 'cxgb4' } });
  assert.deepEqual(
    ports.map(({ device, driver, isSoft }) => [device, driver, isSoft]),
    [
      ['cxgb4_0', 'cxgb4', false],
      ['siw_eth2', 'siw', true],
    ],
  );
});

test('rxe has its parent for an interface also without GIDs', () => {
  const [port] = read({ rxe0: { ...devices.RXE, ports: { 1: { ndevs: { 0: REFUSED } } } } });
  assert.deepEqual(port?.netdevs, ['eth0']);
});

describe('the GID table', () => {
  const folder = '/s/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs';

  /** Facts of a port with so many slots, of which these are in use; and the slots that were read. */
  function readTable(
    slots: number,
    used: Readonly<Record<number, string>>,
  ): [RdmaPort | undefined, number[]] {
    const table = Array.from({ length: slots }, (_, slot) => [`${folder}/${slot}`, used[slot]] as const);
    const files = memorySysfs(Object.fromEntries(table));
    const readSlots: number[] = [];
    const [port] = readRdmaPorts(
      { sysfsPath: '/s' },
      {
        files: {
          ...files,
          read(path) {
            if (dirname(path) === folder) readSlots.push(Number(basename(path)));
            return files.read(path);
          },
        },
      },
    );
    return [port, readSlots];
  }

  test('is read from its start, and no further than 64 free slots in a row', () => {
    const [port, readSlots] = readTable(1024, { 0: 'eth0', 1: 'eth0', 2: 'eth0.7' });
    assert.deepEqual(port?.netdevs, ['eth0', 'eth0.7']);
    assert.deepEqual(
      readSlots,
      Array.from({ length: 3 + 64 }, (_, slot) => slot),
    );
  });

  test('may have holes, each shorter than that', () => {
    const [port] = readTable(256, { 63: 'eth0', 127: 'eth1', 130: '', 191: 'eth2', 255: 'eth3' });
    assert.deepEqual(port?.netdevs, ['eth0', 'eth1', 'eth2', 'eth3']);
    assert.equal(port?.hasGidNetdevs, true);
    const [late, readSlots] = readTable(256, { 0: 'eth0', 65: 'eth1' });
    assert.deepEqual(late?.netdevs, ['eth0']);
    assert.equal(readSlots.length, 65);
  });
});

test('a port of which nothing can be read has its name, and no more', () => {
  const nothing = {
    driver: '',
    isSoft: false,
    linkLayer: undefined,
    state: undefined,
    physState: undefined,
    rateBitsPerSecond: undefined,
    netdevs: [],
    hasGidNetdevs: false,
    nodeGuid: undefined,
    firmwareVersion: undefined,
    hcaType: undefined,
    boardId: undefined,
    isVirtualFunction: false,
  };
  const refused = { state: REFUSED, phys_state: '', rate: REFUSED, link_layer: 'Unknown' };
  assert.deepEqual(
    read({ a: { ports: { 1: {} } }, b: { files: { node_guid: REFUSED }, ports: { 2: { files: refused } } } }),
    [
      { device: 'a', port: 1, ...nothing },
      { device: 'b', port: 2, ...nothing },
    ],
  );
});

test('where there is no RDMA there are no ports', () => {
  assert.deepEqual(listRdmaPorts({ sysfsPath: '/nonexistent' }), []);
  assert.deepEqual(read({}), []);
  assert.deepEqual(read({ mlx5_0: { ports: {} } }), []);
});

test('listing opens no file: a device that hangs is listed', () => {
  const port = { files: { state: HANGING, rate: HANGING } };
  tree = new RdmaSysfs({ mlx5_0: { ports: { 1: port, 2: port, 10: port, x: {} } } });
  assert.deepEqual(
    listRdmaPorts({ sysfsPath: tree.path }).map(({ port: number }) => number),
    [1, 2, 10],
  );
});

test('rates and states as the kernel prints them', () => {
  const rates = ['10 Gb/sec (4X SDR)', '2.5 Gb/sec (1X SDR)', '56 Gb/sec (4X FDR)', '800 Gb/sec (4X XDR)'];
  assert.deepEqual(rates.map(parseRate), [10e9, 2.5e9, 56e9, 800e9]);
  for (const none of [undefined, '', '0 Gb/sec (1X)', '-5 Gb/sec', '100 Mb/sec', '1e9 Gb/sec', '100Gb/sec']) {
    assert.equal(parseRate(none), undefined, none);
  }
  assert.equal(parseNumberedName('4: PortConfigurationTraining'), 'PortConfigurationTraining');
  assert.equal(parseNumberedName('5: ACTIVE_DEFER'), 'ACTIVE_DEFER');
  for (const none of [undefined, '', '4', 'ACTIVE', '9: <unknown>', '4: \n']) {
    assert.equal(parseNumberedName(none), undefined, none);
  }
});

test('whatever the files hold, a port has well-formed facts or none', () => {
  const noise = fc.oneof(
    fc.constantFrom('4: ACTIVE', '100 Gb/sec', 'eth0', 'Ethernet', 'a/b', '..', '\0', undefined),
    fc.string({ unit: 'binary', maxLength: 300 }),
  );
  const device = '/s/class/infiniband/x';
  const port = `${device}/ports/1`;
  const facts = ['state', 'phys_state', 'rate', 'link_layer', 'gid_attrs/ndevs/0', 'gid_attrs/ndevs/1'];
  const paths = [
    ...['node_guid', 'fw_ver', 'parent', 'node_type', 'device/net/eth0/dev_port'].map(
      (name) => `${device}/${name}`,
    ),
    ...facts.map((name) => `${port}/${name}`),
  ];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...paths), noise), (texts) => {
      const files = memorySysfs({ ...texts, [`${port}/lid`]: '0x0' });
      const [facts, ...more] = readRdmaPorts({ sysfsPath: '/s' }, { files });
      assert.ok(facts !== undefined && more.length === 0);
      assert.ok(facts.rateBitsPerSecond === undefined || facts.rateBitsPerSecond > 0);
      assert.match(facts.state ?? 'none', /^[a-z][a-z_ \d]*$/);
      assert.equal(new Set(facts.netdevs).size, facts.netdevs.length);
      for (const netdev of facts.netdevs) assert.match(netdev, /^[^\s/:]{1,15}$/);
      for (const word of [facts.nodeGuid, facts.firmwareVersion]) {
        assert.match(word ?? 'none', /^[\x20-\x7e]{1,64}$/);
      }
      assert.equal(facts.isSoft, facts.driver !== '');
    }),
    { numRuns: 2000 },
  );
});
