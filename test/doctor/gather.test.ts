// SPDX-License-Identifier: Apache-2.0
// What is asked of a host, in which order, and what is closed again. The host is a script here; the real
// one is in test/e2e.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatherOptions, type GatherParts, gatherFacts } from '../../src/doctor/gather.js';
import { KernelError } from '../../src/errors.js';
import type { AttachOutcome } from '../../src/kernel/attach.js';
import type { KernelObject } from '../../src/kernel/load.js';
import type { RdmaPortStatus, RdmaRound } from '../../src/rdma/port-reader.js';
import type { NetworkInterface } from '../../src/system/interfaces.js';
import { GOOD_HOST, PLAIN_ROLE } from '../support/doctor/hosts.js';

const ETH0: NetworkInterface = {
  name: 'eth0',
  index: 2,
  linkType: 1,
  mtuBytes: 1500,
  isUp: true,
  driver: 'veth',
};
const ETH1: NetworkInterface = { ...ETH0, name: 'eth1', index: 3 };
const TUN: NetworkInterface = { ...ETH0, name: 'odd0', index: 4, linkType: 280 };

const OPTIONS: GatherOptions = {
  version: '1.2.3',
  wanted: { attachMode: 'auto', decapMirror: false, readsRdma: true },
  configured: ['eth0'],
  kernelRelease: '5.15.0',
  sysfsPath: '/sys',
  waitMs: 1000,
  probe: false,
};

/** Of one port on eth0, whose card has received so many packets. */
function round(receivedPackets: number | undefined): RdmaRound {
  const identity = {
    device: 'mlx5_0',
    port: 1,
    driver: 'mlx5_core',
    isSoft: false,
    linkLayer: 'Ethernet',
    netdevs: ['eth0'],
    hasGidNetdevs: true,
    nodeGuid: undefined,
    firmwareVersion: undefined,
    hcaType: undefined,
    boardId: undefined,
    isVirtualFunction: false,
  } as const;
  const link = { ...identity, state: 'active', physState: 'LinkUp', rateBitsPerSecond: 25e9 };
  const counters = {
    receivedBytes: undefined,
    transmittedBytes: undefined,
    standard: receivedPackets === undefined ? {} : { port_rcv_packets: receivedPackets },
    hardware: {},
    unreadable: 0,
  };
  const status: RdmaPortStatus = {
    name: { device: 'mlx5_0', port: 1 },
    identity,
    link,
    counters,
    timeouts: 0,
    errors: 0,
  };
  return { ports: [status], relatives: new Map([['eth0', ['eth0']]]), durationMs: 1 };
}

function rig(changes: Partial<GatherParts> = {}) {
  const events: string[] = [];
  let nowMs = 0;
  const object = {
    objectPath: '/opt/x/dist/bpf/flow.bpf.o',
    flavours: ['plain'],
    close: () => events.push('close object'),
  } as unknown as KernelObject; // what is not here must not be asked for
  const attached: AttachOutcome = {
    attached: true,
    mode: 'generic',
    flavour: 'plain',
    link: {
      ifindex: 2,
      fd: -1,
      isAlive: () => true,
      update: () => undefined,
      detach: () => undefined,
      close: () => events.push('detach'),
    },
    failures: [
      { mode: 'native', flavour: 'frags', errno: 95, errnoName: 'EOPNOTSUPP', advice: 'EOPNOTSUPP: no' },
      { mode: 'native', flavour: 'plain', errno: 95, errnoName: 'EOPNOTSUPP', advice: 'EOPNOTSUPP: no' },
    ],
  };
  const parts: GatherParts = {
    limits: GOOD_HOST,
    missingCapabilities: [],
    libbpf: { version: '1.1' },
    listInterfaces: () => [ETH1, ETH0, TUN],
    load() {
      events.push('load');
      return object;
    },
    attach(_, { name }) {
      events.push(`attach ${name}`);
      return attached;
    },
    incumbentOf: () => undefined,
    xdpFeaturesOf: () => undefined,
    roleOf: () => PLAIN_ROLE,
    isSysfsOf: () => true,
    readRdma: async () => undefined,
    nowMs: () => nowMs,
    async sleep(delayMs) {
      events.push(`sleep ${delayMs}`);
      nowMs += delayMs;
    },
    ...changes,
  };
  return { events, parts };
}

test('the configured ones first, also those that are not there; nothing is attached', async () => {
  const { events, parts } = rig();
  const facts = await gatherFacts({ ...OPTIONS, configured: ['nope', 'eth0'] }, parts);
  assert.deepEqual(
    facts.interfaces.map(({ name, isConfigured, link }) => [name, isConfigured, link?.index]),
    [
      ['nope', true, undefined],
      ['eth0', true, 2],
      ['eth1', false, 3],
      ['odd0', false, 4],
    ],
  );
  // Without an RDMA device there is nothing to wait for.
  assert.deepEqual(events, ['load', 'close object']);
  assert.deepEqual(facts.host.object, { isLoaded: true, file: 'flow.bpf.o', flavours: ['plain'] });
});

test('a probe: the configured interfaces alone, each detached at once, the object closed last', async () => {
  const { events, parts } = rig();
  const facts = await gatherFacts({ ...OPTIONS, configured: ['eth0', 'odd0'], probe: true }, parts);
  assert.deepEqual(events, ['load', 'attach eth0', 'detach', 'close object']);
  assert.deepEqual(facts.interfaces[0]?.link?.probe, {
    isAttached: true,
    mode: 'generic',
    flavour: 'plain',
    refusals: ['native: EOPNOTSUPP: no'],
  });
  assert.equal(facts.interfaces[1]?.link?.probe, undefined);
});

test('a probe that fails, and one that throws: the object is closed', async () => {
  const refused = rig({ attach: () => ({ attached: false, failures: [], sentence: 'no' }) });
  const facts = await gatherFacts({ ...OPTIONS, probe: true }, refused.parts);
  assert.deepEqual(facts.interfaces[0]?.link?.probe, { isAttached: false, sentence: 'no' });
  assert.deepEqual(refused.events, ['load', 'close object']);
  const broken = rig({
    attach() {
      throw new Error('gone');
    },
  });
  await assert.rejects(gatherFacts({ ...OPTIONS, probe: true }, broken.parts), /gone/);
  assert.deepEqual(broken.events, ['load', 'close object']);
});

test('an object that is refused is a fact, and nothing is probed', async () => {
  const { events, parts } = rig({
    load() {
      throw new KernelError('bpf_object__load', 22, 'the verifier says no');
    },
  });
  const facts = await gatherFacts({ ...OPTIONS, probe: true }, parts);
  assert.deepEqual(facts.host.object, { isLoaded: false, sentence: 'the verifier says no' });
  assert.deepEqual(events, []);
});

test('native XDP: the kernel before the table, the table before nothing', async () => {
  const told = await gatherFacts(OPTIONS, rig({ xdpFeaturesOf: () => [] }).parts);
  assert.deepEqual(told.interfaces[0]?.link?.native, { source: 'kernel', isSupported: false, features: [] });
  const known = await gatherFacts(OPTIONS, rig().parts);
  assert.deepEqual(known.interfaces[0]?.link?.native, { source: 'table', isSupported: true });
  const odd = await gatherFacts(OPTIONS, rig({ listInterfaces: () => [{ ...ETH0, driver: 'odd' }] }).parts);
  assert.deepEqual(odd.interfaces[0]?.link?.native, { source: 'unknown' });
});

test('an interface that came in between is no other namespace; a second look decides', async () => {
  const lists = [[ETH0], [ETH0, ETH1]];
  const late = rig({
    listInterfaces: () => lists.shift() ?? [],
    isSysfsOf: (interfaces) => interfaces.length === 2,
  });
  const facts = await gatherFacts(OPTIONS, late.parts);
  assert.equal(facts.host.isSysfsOurs, true);
  assert.deepEqual(
    facts.interfaces.map(({ name }) => name),
    ['eth0', 'eth1'],
  );
  const foreign = await gatherFacts(OPTIONS, rig({ isSysfsOf: () => false }).parts);
  assert.equal(foreign.host.isSysfsOurs, false);
  assert.equal(foreign.interfaces[0]?.link?.role, undefined);
});

test('RDMA: two rounds with the wait between, and what grew', async () => {
  const rounds = [round(1000), round(1500)];
  const { events, parts } = rig({ readRdma: async () => rounds.shift() });
  const facts = await gatherFacts({ ...OPTIONS, waitMs: 2000 }, parts);
  assert.deepEqual(events, ['sleep 2000', 'load', 'close object']);
  assert.deepEqual(facts.host.rdmaDevices, ['mlx5_0']);
  assert.deepEqual(facts.interfaces[0]?.link?.rdma, [
    {
      device: 'mlx5_0',
      state: 'hidden_offload',
      driver: 'mlx5_core',
      hasGidNetdevs: true,
      ports: [
        {
          port: 1,
          linkLayer: 'Ethernet',
          state: 'active',
          rateBitsPerSecond: 25e9,
          receivedPackets: 500,
          spanMs: 2000,
        },
      ],
    },
  ]);
  assert.deepEqual(facts.interfaces[1]?.link?.rdma, []);
});

test('counters that fall, or are not told, prove nothing', async () => {
  for (const [before, after] of [
    [2000, 1000],
    [undefined, 1000],
    [1000, undefined],
  ]) {
    const rounds = [round(before), round(after)];
    const facts = await gatherFacts(OPTIONS, rig({ readRdma: async () => rounds.shift() }).parts);
    assert.equal(facts.interfaces[0]?.link?.rdma[0]?.ports[0]?.receivedPackets, undefined);
  }
});

test('rdma.enabled: false asks nothing', async () => {
  const wanted = { ...OPTIONS.wanted, readsRdma: false };
  const facts = await gatherFacts(
    { ...OPTIONS, wanted },
    rig({ readRdma: () => assert.fail('it was asked') }).parts,
  );
  assert.deepEqual(facts.interfaces[0]?.link?.rdma, []);
});
