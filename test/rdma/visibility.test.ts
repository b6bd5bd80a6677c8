// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RdmaPortIdentity } from '../../src/rdma/ports.js';
import { receivedRdmaPackets, visibilityOf } from '../../src/rdma/visibility.js';

const MLX5: RdmaPortIdentity = {
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
};
const RXE = { ...MLX5, device: 'rxe0', driver: 'rdma_rxe', isSoft: true };
const INFINIBAND = {
  ...MLX5,
  device: 'mlx5_1',
  linkLayer: 'InfiniBand',
  netdevs: ['ib0'],
  hasGidNetdevs: false,
} as const;
const ROCE_OFF = { ...MLX5, hasGidNetdevs: false };

interface Case {
  readonly what: string;
  readonly relatives?: readonly string[];
  readonly ports: readonly (RdmaPortIdentity | undefined)[];
  readonly seen?: number;
  readonly expected: readonly (readonly [device: string, state: string])[];
}

const CASES: readonly Case[] = [
  { what: 'no RDMA device', ports: [], expected: [['', 'none']] },
  { what: 'no RDMA device, RoCE seen', ports: [], seen: 1, expected: [['', 'mirror']] },
  { what: "another interface's device", relatives: ['eth1'], ports: [MLX5], expected: [['', 'none']] },
  {
    what: 'a mirror port beside a card',
    relatives: ['eth1'],
    ports: [MLX5],
    seen: 9,
    expected: [['', 'mirror']],
  },
  { what: 'a RoCE card', ports: [MLX5], expected: [['mlx5_0', 'hidden_offload']] },
  { what: 'a RoCE card, some RoCE seen', ports: [MLX5], seen: 9, expected: [['mlx5_0', 'hidden_offload']] },
  {
    what: 'a VLAN or bond above a card',
    relatives: ['bond0.7', 'bond0', 'eth0'],
    ports: [MLX5],
    expected: [['mlx5_0', 'hidden_offload']],
  },
  { what: 'soft-RoCE', ports: [RXE], seen: 9, expected: [['rxe0', 'visible_soft']] },
  {
    what: 'soft-RoCE on a RoCE card',
    ports: [MLX5, RXE],
    expected: [
      ['mlx5_0', 'hidden_offload'],
      ['rxe0', 'visible_soft'],
    ],
  },
  {
    what: 'an InfiniBand link',
    relatives: ['ib0'],
    ports: [INFINIBAND],
    expected: [['mlx5_1', 'hidden_infiniband']],
  },
  { what: 'a card that may have RoCE off', ports: [ROCE_OFF], expected: [['mlx5_0', 'hidden_offload']] },
  { what: 'a card with RoCE off, RoCE seen', ports: [ROCE_OFF], seen: 1, expected: [['mlx5_0', 'mirror']] },
  {
    what: 'a card whose link layer is unknown',
    ports: [{ ...MLX5, linkLayer: undefined }],
    expected: [['mlx5_0', 'hidden_offload']],
  },
  {
    what: 'a port not known yet',
    ports: [undefined],
    expected: [],
  },
  { what: 'a port not known yet, RoCE seen', ports: [undefined], seen: 9, expected: [] },
  {
    what: "a port not known yet beside another interface's device",
    relatives: ['eth1'],
    ports: [MLX5, undefined],
    expected: [],
  },
  {
    what: 'a port not known yet beside one of the interface',
    ports: [undefined, RXE],
    expected: [['rxe0', 'visible_soft']],
  },
  {
    what: 'two ports of one device under a bond',
    relatives: ['bond0', 'eth0', 'eth1'],
    ports: [MLX5, { ...MLX5, port: 2, netdevs: ['eth1'] }],
    expected: [['mlx5_0', 'hidden_offload']],
  },
];

describe('visibility', () => {
  for (const { what, relatives = ['eth0'], ports, seen = 0, expected } of CASES) {
    test(what, () => {
      const rows = visibilityOf({ relatives, ports, roceSeenPackets: seen });
      assert.deepEqual(
        rows.map(({ rdmaDevice, state }) => [rdmaDevice, state]),
        expected,
      );
    });
  }

  test('the ports of a row are those of its device on the interface', () => {
    const second = { ...MLX5, port: 2, netdevs: ['eth1'] };
    const [row] = visibilityOf({ relatives: ['eth1'], ports: [MLX5, second, RXE], roceSeenPackets: 0 });
    assert.deepEqual(row?.ports, [second]);
  });

  test('an interface has a row for each of its devices, or one without unless a port is unknown; none is said only where there is neither device nor RoCE', () => {
    const name = fc.constantFrom('eth0', 'eth1', 'ib0');
    const port = fc.record({
      device: fc.constantFrom('a', 'b'),
      port: fc.integer({ min: 1, max: 2 }),
      isSoft: fc.boolean(),
      linkLayer: fc.constantFrom('Ethernet', 'InfiniBand', undefined),
      netdevs: fc.uniqueArray(name),
      hasGidNetdevs: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(name),
        fc.array(fc.option(port, { nil: undefined })),
        fc.nat(2),
        (relatives, facts, roceSeenPackets) => {
          const ports = facts.map((one) => one && { ...MLX5, ...one });
          const rows = visibilityOf({ relatives, ports, roceSeenPackets });
          const isComplete = !ports.includes(undefined);
          const own = ports
            .flatMap((one) => one ?? [])
            .filter(({ netdevs }) => netdevs.some((netdev) => relatives.includes(netdev)));
          const devices = [...new Set(own.map(({ device }) => device))];
          assert.deepEqual(
            rows.map(({ rdmaDevice }) => rdmaDevice),
            devices.length === 0 && isComplete ? [''] : devices,
          );
          assert.deepEqual(rows.flatMap((row) => row.ports).length, own.length);
          const none = rows.some(({ state }) => state === 'none');
          assert.equal(none, isComplete && devices.length === 0 && roceSeenPackets === 0);
        },
      ),
    );
  });
});

describe('received RDMA packets', () => {
  const counters = { receivedBytes: 0, transmittedBytes: 0, unreadable: 0 };
  const of = (standard: Record<string, number>, hardware: Record<string, number>): number | undefined =>
    receivedRdmaPackets({ ...counters, standard, hardware });

  test('of each driver, from the counter that counts RDMA alone', () => {
    assert.equal(of({}, { rcvd_pkts: 14, sent_pkts: 9 }), 14);
    assert.equal(of({}, { rx_pkts: 600, rx_roce_good_pkts: 590 }), 600);
    assert.equal(of({}, { rx_pkts: 600, rx_roce_only_pkts: 595 }), 595);
    assert.equal(of({}, { rx_roce_good_pkts: 590 }), 590);
    assert.equal(of({}, { RxUDP: 5, ip4InPkts: 9 }), 5);
    assert.equal(of({ port_rcv_packets: 17, unicast_rcv_packets: 10 }, { out_of_sequence: 1 }), 17);
    assert.equal(of({ unicast_rcv_packets: 10 }, {}), 10);
  });

  test('a count of 0 is a count; no counter is none', () => {
    assert.equal(of({ port_rcv_packets: 3 }, { rcvd_pkts: 0 }), 0);
    assert.equal(of({ port_xmit_packets: 3 }, { cnpSent: 4 }), undefined);
  });
});
