// SPDX-License-Identifier: Apache-2.0
// Whether the RoCE and InfiniBand traffic of an interface can be seen by XDP there, and which counter
// says what the hardware received. Pure. Judges from facts that were read; proves nothing by itself.

import type { RdmaCounters } from './counters.js';
import type { RdmaPortIdentity } from './ports.js';

/**
 * visible_soft: RDMA in software, every packet passes the interface. hidden_offload: the card takes RDMA
 * packets before the interface's rings. hidden_infiniband: native InfiniBand never crosses a network
 * interface; IPoIB does. mirror: no card takes RoCE here, yet RoCE comes in (mirror port, tap, gateway).
 * none: neither.
 */
export type RoceVisibility = 'visible_soft' | 'hidden_offload' | 'hidden_infiniband' | 'mirror' | 'none';

export interface InterfaceVisibility {
  /** '' where no RDMA device belongs to the interface. */
  readonly rdmaDevice: string;
  readonly state: RoceVisibility;
  /** The device's ports that belong to the interface. */
  readonly ports: readonly RdmaPortIdentity[];
}

/**
 * One per RDMA device of the interface; one without a device where there is none. Nothing where that is not
 * known: an unknown port may be the interface's. `roceSeenPackets`: RoCE packets XDP saw there.
 */
export function visibilityOf(input: {
  /** The interface, and those it shares frames with: see netdev-relatives.ts. */
  readonly relatives: readonly string[];
  /** Of the host. undefined: one that has not answered yet. */
  readonly ports: readonly (RdmaPortIdentity | undefined)[];
  readonly roceSeenPackets: number;
}): InterfaceVisibility[] {
  const { roceSeenPackets } = input;
  const known = input.ports.flatMap((port) => port ?? []);
  const own = known.filter((port) => port.netdevs.some((name) => input.relatives.includes(name)));
  if (own.length === 0) {
    if (known.length < input.ports.length) return [];
    return [{ rdmaDevice: '', state: roceSeenPackets > 0 ? 'mirror' : 'none', ports: [] }];
  }
  return [...new Set(own.map((port) => port.device))].map((rdmaDevice) => {
    const ports = own.filter((port) => port.device === rdmaDevice);
    return { rdmaDevice, state: stateOf(ports, roceSeenPackets), ports };
  });
}

function stateOf(ports: readonly RdmaPortIdentity[], roceSeenPackets: number): RoceVisibility {
  if (ports.every((port) => port.isSoft)) return 'visible_soft';
  if (ports.some((port) => port.linkLayer === 'InfiniBand')) return 'hidden_infiniband';
  // A card whose RoCE is switched off has no GIDs on its interfaces, and leaves RoCE packets to them. It
  // is taken for an offloading one until packets prove it: a zero must not pass for "no RoCE".
  const mayBeOff = ports.every((port) => !port.hasGidNetdevs);
  return mayBeOff && roceSeenPackets > 0 ? 'mirror' : 'hidden_offload';
}

/**
 * Counters of received RDMA packets in hw_counters/, best first: rxe (rxe_hw_counters.c); bnxt_re's RoCE
 * statistics (hw_counters.c); mana (counters.c); hns (hns_roce_main.c); irdma's UDP, which is RoCE v2
 * (verbs.c); ionic, whose names come from its firmware.
 */
const HARDWARE_PACKETS = [
  'rcvd_pkts',
  'rx_roce_only_pkts',
  'rx_pkts',
  'rx_roce_good_pkts',
  'rx_packets',
  'rx_pkt',
  'RxUDP',
  'rx_rdma_ucast_pkts',
] as const;
/**
 * In counters/. On a RoCE port of mlx5 these are the virtual port's received_ib_unicast and _multicast:
 * RDMA alone, no other Ethernet (pma_cnt_ext_assign() in drivers/infiniband/hw/mlx5/mad.c).
 */
const STANDARD_PACKETS = ['port_rcv_packets', 'unicast_rcv_packets'] as const;

/** Packets received by RDMA since the device was reset; undefined where the device does not count them. */
export function receivedRdmaPackets(counters: RdmaCounters): number | undefined {
  const hardware = HARDWARE_PACKETS.map((name) => counters.hardware[name]);
  const standard = STANDARD_PACKETS.map((name) => counters.standard[name]);
  return [...hardware, ...standard].find((count) => count !== undefined);
}
