// SPDX-License-Identifier: Apache-2.0
// Hosts as the doctor finds them, each as one value: what is not said is as on a host where all is well.
// For tests only.

import type {
  DoctorFacts,
  HostFacts,
  InterfaceFacts,
  LinkFacts,
  RdmaFacts,
  RdmaPortFacts,
  Wanted,
} from '../../../src/doctor/facts.js';
import type { NetdevRole } from '../../../src/system/netdev-role.js';

const MEBI = 1024 * 1024;

export const GOOD_HOST: HostFacts = {
  kernelRelease: '6.1.0-25-amd64',
  libbpf: { version: '1.1' },
  missingCapabilities: [],
  object: { isLoaded: true, file: 'flow.bpf.o', flavours: ['frags', 'plain'] },
  sysfsPath: '/sys',
  isSysfsOurs: true,
  rdmaDevices: [],
  lockedMemoryBytes: 8 * MEBI,
  cgroupMemoryBytes: 'unlimited',
  hasBtf: true,
  bpfJitEnable: 1,
  unprivilegedBpfDisabled: 2,
  rdmaNamespaceMode: 'shared',
  pageBytes: 4096,
};

export const PLAIN_ROLE: NetdevRole = {
  deviceType: undefined,
  master: undefined,
  masterType: undefined,
  lowers: [],
  isVirtualFunction: false,
  virtualFunctions: 0,
  representorOf: undefined,
  pciAddress: undefined,
  isPromiscuous: false,
  operState: 'up',
};

const GOOD_LINK: LinkFacts = {
  index: 2,
  linkType: 1,
  mtuBytes: 1500,
  isUp: true,
  driver: 'veth',
  role: PLAIN_ROLE,
  native: { source: 'kernel', isSupported: true, features: ['basic', 'redirect', 'rx-sg'] },
  incumbent: undefined,
  rdma: [],
  probe: undefined,
};

export function role(changes: Partial<NetdevRole>): NetdevRole {
  return { ...PLAIN_ROLE, ...changes };
}

/** A configured interface. */
export function configured(name: string, changes: Partial<LinkFacts> = {}): InterfaceFacts {
  return { name, isConfigured: true, link: { ...GOOD_LINK, ...changes } };
}

export function other(name: string, changes: Partial<LinkFacts> = {}): InterfaceFacts {
  return { ...configured(name, changes), isConfigured: false };
}

export function host(
  interfaces: readonly InterfaceFacts[],
  changes: Partial<HostFacts> = {},
  wanted: Partial<Wanted> = {},
): DoctorFacts {
  return {
    version: '1.2.3',
    wanted: { attachMode: 'auto', decapMirror: false, readsRdma: true, ...wanted },
    host: { ...GOOD_HOST, ...changes },
    interfaces,
  };
}

const PORT: RdmaPortFacts = {
  port: 1,
  linkLayer: 'Ethernet',
  state: 'active',
  rateBitsPerSecond: 100e9,
  receivedPackets: 0,
  spanMs: 1004,
};

export function rdma(changes: Partial<RdmaFacts>, port: Partial<RdmaPortFacts> = {}): RdmaFacts {
  return {
    device: 'mlx5_0',
    state: 'hidden_offload',
    driver: 'mlx5_core',
    hasGidNetdevs: true,
    ports: [{ ...PORT, ...port }],
    ...changes,
  };
}

const MLX5_LINK: Partial<LinkFacts> = {
  driver: 'mlx5_core',
  mtuBytes: 9000,
  role: role({ pciAddress: '0000:03:00.0' }),
};

export const MLX5_HOST = host(
  [
    configured('eth2', { ...MLX5_LINK, index: 3, rdma: [rdma({}, { receivedPackets: 48_213 })] }),
    other('lo', { index: 1, linkType: 772, mtuBytes: 65_536, driver: '', native: { source: 'unknown' } }),
    other('eth0', { index: 2, driver: 'igb' }),
  ],
  { rdmaDevices: ['mlx5_0'] },
);

/** Soft-RoCE over a plain card, with a program of somebody else on a second one. */
export const RXE_HOST = host(
  [
    configured('eth0', {
      driver: 'virtio_net',
      rdma: [
        rdma(
          { device: 'rxe0', state: 'visible_soft', driver: 'rdma_rxe' },
          { rateBitsPerSecond: 2.5e9, receivedPackets: 12 },
        ),
      ],
    }),
    configured('eth1', {
      index: 3,
      incumbent: { id: 17, name: 'xdp_filter', mode: 'native', isOurs: false },
    }),
  ],
  { rdmaDevices: ['rxe0'] },
);

export const INFINIBAND_HOST = host(
  [
    configured('ib0', {
      linkType: 32,
      mtuBytes: 2044,
      driver: 'mlx5_core',
      native: { source: 'kernel', isSupported: false, features: [] },
      rdma: [rdma({ state: 'hidden_infiniband' }, { linkLayer: 'InfiniBand', receivedPackets: 1_000_000 })],
    }),
  ],
  { rdmaDevices: ['mlx5_0'] },
);

const LAG = rdma({ device: 'mlx5_bond_0' }, { rateBitsPerSecond: 200e9 });
const LAG_PORT = (index: number, bus: string): Partial<LinkFacts> => ({
  ...MLX5_LINK,
  index,
  role: role({ master: 'bond0', masterType: 'bond', pciAddress: bus }),
  rdma: [LAG],
});
const BOND: Partial<LinkFacts> = {
  index: 6,
  driver: 'bonding',
  mtuBytes: 9000,
  role: role({ deviceType: 'bond', lowers: ['eth2', 'eth3'] }),
  rdma: [LAG],
};

/** RoCE LAG: one RDMA device over both ports. */
export const BOND_HOST = host(
  [
    configured('bond0', BOND),
    other('eth2', LAG_PORT(4, '0000:03:00.0')),
    other('eth3', LAG_PORT(5, '0000:03:00.1')),
  ],
  { rdmaDevices: ['mlx5_bond_0'] },
);

/** The same, with a VLAN on the bond, and a port configured too. */
export const VLAN_HOST = host(
  [
    configured('bond0.100', {
      index: 7,
      driver: '802.1Q VLAN Support',
      mtuBytes: 9000,
      native: { source: 'kernel', isSupported: false, features: [] },
      role: role({ deviceType: 'vlan', lowers: ['bond0'] }),
      rdma: [LAG],
    }),
    configured('bond0', BOND),
  ],
  { rdmaDevices: ['mlx5_bond_0'] },
);

export const VIRTUAL_FUNCTION_HOST = host(
  [
    configured('eth4', {
      ...MLX5_LINK,
      role: role({ isVirtualFunction: true, pciAddress: '0000:03:00.2' }),
      rdma: [
        rdma(
          { device: 'mlx5_2' },
          { receivedPackets: undefined, state: undefined, rateBitsPerSecond: undefined },
        ),
      ],
    }),
  ],
  { rdmaDevices: ['mlx5_2'] },
);

/** RoCE is off on eth5, which takes the frames of a mirror port. */
export const MONITOR_HOST = host(
  [
    configured('eth5', {
      ...MLX5_LINK,
      role: role({ isPromiscuous: true, pciAddress: '0000:81:00.0' }),
      rdma: [rdma({ device: 'mlx5_1', hasGidNetdevs: false })],
    }),
    configured('eth6', { index: 8, driver: 'i40e', role: role({ isPromiscuous: true }) }),
    configured('eth7', { index: 9, driver: 'igb', role: role({ isPromiscuous: true }) }),
  ],
  { rdmaDevices: ['mlx5_1'] },
);

/** A container in the host's network namespace that sees neither its /sys nor its devices. */
export const CONTAINER_HOST = host([configured('eth0', { driver: 'mlx5_core', role: undefined })], {
  isSysfsOurs: undefined,
  cgroupMemoryBytes: 100 * MEBI,
  rdmaNamespaceMode: undefined,
  unprivilegedBpfDisabled: undefined,
});

const NO_PRIVILEGE = 'loading XDP programs needs the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON';
export const UNPRIVILEGED_HOST = host([configured('eth0')], {
  missingCapabilities: ['CAP_BPF', 'CAP_PERFMON'],
  object: { isLoaded: false, sentence: NO_PRIVILEGE },
  bpfJitEnable: undefined,
});

/** Before 5.11, and before kernels told of XDP features; no types, no frags. */
export const OLD_HOST = host(
  [configured('eth0', { driver: 'i40e', mtuBytes: 9000, native: { source: 'table', isSupported: true } })],
  {
    kernelRelease: '5.10.0-30-amd64',
    hasBtf: false,
    bpfJitEnable: 0,
    lockedMemoryBytes: 64 * 1024,
    object: { isLoaded: true, file: 'flow-portable.bpf.o', flavours: ['plain'] },
  },
);
