// SPDX-License-Identifier: Apache-2.0
// One device of each kind, as its driver shows it in /sys. Values are ours, names are the drivers'. For
// tests only.

import { type DeviceSpec, REFUSED } from './rdma-sysfs.js';

const ETHERNET_ACTIVE = {
  link_layer: 'Ethernet',
  state: '4: ACTIVE',
  phys_state: '5: LinkUp',
  rate: '100 Gb/sec (4X EDR)',
};

/** counters/ of every driver with a PMA, all extended ones among them. */
const STANDARD = {
  VL15_dropped: 0,
  excessive_buffer_overrun_errors: 0,
  link_downed: 1,
  link_error_recovery: 0,
  local_link_integrity_errors: 0,
  multicast_rcv_packets: 17,
  multicast_xmit_packets: 3,
  port_rcv_constraint_errors: 0,
  port_rcv_data: 1_000_000_000_000,
  port_rcv_errors: 0,
  port_rcv_packets: 4_000_017,
  port_rcv_remote_physical_errors: 0,
  port_rcv_switch_relay_errors: 0,
  port_xmit_constraint_errors: 0,
  port_xmit_data: 250,
  port_xmit_discards: 5,
  port_xmit_packets: 1003,
  port_xmit_wait: 123_456_789,
  symbol_error: 0,
  unicast_rcv_packets: 4_000_000,
  unicast_xmit_packets: 1000,
};

export const MLX5_ROCE: DeviceSpec = {
  driver: 'mlx5_core',
  files: {
    node_type: '1: CA',
    node_guid: '0c42:a103:0065:bf0a',
    fw_ver: '22.39.2048',
    hca_type: 'MT4125',
    board_id: 'MT_0000000359',
  },
  siblings: { eth2: { dev_port: 0 }, eth2rep0: { dev_port: 0 } },
  ports: {
    1: {
      files: ETHERNET_ACTIVE,
      // The GID table is dense at its start; what is empty answers EINVAL.
      ndevs: { 0: 'eth2', 1: 'eth2', 2: 'eth2', 3: 'eth2.100', 4: REFUSED, 5: REFUSED },
      counters: STANDARD,
      hwCounters: {
        duplicate_request: 3,
        lifespan: 10,
        local_ack_timeout_err: 2,
        np_cnp_sent: 77,
        np_ecn_marked_roce_packets: 88,
        out_of_sequence: 28,
        packet_seq_err: 27,
        req_transport_retries_exceeded: 0,
        roce_slow_restart: 4,
        rp_cnp_handled: 66,
        rx_write_requests: 4_294_967_295,
      },
    },
  },
};

export const MLX5_INFINIBAND: DeviceSpec = {
  driver: 'mlx5_core',
  files: { node_type: '1: CA', node_guid: 'b859:9f03:00a1:2b3c', fw_ver: '28.40.1000', hca_type: 'MT4129' },
  siblings: { ib0: { dev_port: 0 }, 'ib0.8001': { dev_port: 0, parent: 'ib0' } },
  ports: {
    1: {
      files: {
        link_layer: 'InfiniBand',
        state: '4: ACTIVE',
        phys_state: '5: LinkUp',
        rate: '400 Gb/sec (4X NDR)',
        lid: '0x7',
      },
      ndevs: { 0: REFUSED, 1: REFUSED },
      counters: STANDARD,
      hwCounters: { lifespan: 10, out_of_buffer: 9 },
    },
  },
};

/** Older bnxt_re: counters/ are there and refuse. */
export const BNXT_RE: DeviceSpec = {
  driver: 'bnxt_en',
  files: { node_type: '1: CA', fw_ver: '227.0.131.0', hca_type: 'BCM57508' },
  isVirtualFunction: true,
  ports: {
    1: {
      files: { ...ETHERNET_ACTIVE, rate: '2.5 Gb/sec (1X SDR)', state: '1: DOWN', phys_state: '3: Disabled' },
      ndevs: { 0: 'ens1f0np0' },
      counters: { port_rcv_data: REFUSED, port_xmit_data: REFUSED, port_rcv_packets: REFUSED },
      hwCounters: {
        active_mrs: 12,
        active_qps: 7,
        db_fifo_register: 4096,
        lifespan: 10,
        oos_drop_count: 2,
        rx_bytes: 90_000,
        rx_pkts: 600,
        rx_roce_good_pkts: 590,
        to_retransmits: 1,
        watermark_qps: 9,
      },
    },
  },
};

/** Soft-RoCE has no counters/. On kernels before 6.9 it hangs on the parent's PCI device. */
export const RXE: DeviceSpec = {
  driver: 'virtio_net',
  files: { node_type: '1: CA', node_guid: '5054:00ff:fe12:3456', parent: 'eth0' },
  ports: {
    1: {
      files: ETHERNET_ACTIVE,
      ndevs: { 0: 'eth0', 1: 'eth0', 2: REFUSED },
      hwCounters: {
        ack_deferred: 0,
        completer_retry_err: 0,
        duplicate_request: 4,
        lifespan: 12,
        link_downed: 0,
        out_of_seq_request: 28,
        rcvd_pkts: 14_762,
        rcvd_seq_err: 27,
        rdma_recvs: 60,
        rdma_sends: 60,
        sent_pkts: 1319,
      },
    },
  },
};

/** No PMA; the driver link names the Ethernet driver. */
export const IRDMA: DeviceSpec = {
  driver: 'ice',
  files: { node_type: '1: CA', fw_ver: '1.71', hca_type: 'E810' },
  ports: {
    1: {
      files: ETHERNET_ACTIVE,
      ndevs: { 0: 'ens2f0' },
      counters: Object.fromEntries(Object.keys(STANDARD).map((name) => [name, 'N/A (no PMA)'])),
      hwCounters: { RxUDP: 5000, TxUDP: 40, cnpHandled: 6, ip4InOctets: 700_000, lifespan: 10 },
    },
  },
};

/** Two InfiniBand ports on one PCI function: the interfaces are told apart by dev_port. */
export const MLX4_TWO_PORTS: DeviceSpec = {
  driver: 'mlx4_core',
  siblings: { ib1: { dev_port: 0 }, ib2: { dev_port: 1 }, 'ib2.8001': { dev_port: 0, parent: 'ib2' } },
  ports: {
    1: { files: { link_layer: 'InfiniBand', state: '2: INIT', phys_state: '2: Polling' } },
    2: { files: { link_layer: 'InfiniBand', state: '4: ACTIVE', phys_state: '5: LinkUp' } },
  },
};

/** Keeps its counters for the device, not for the ports. */
export const EFA: DeviceSpec = {
  driver: 'efa',
  files: { node_type: '6: <unknown>' },
  hwCounters: { lifespan: 10, rx_bytes: 3, rx_drops: 1, tx_bytes: 2 },
  ports: { 1: { files: { link_layer: 'Unknown', state: '4: ACTIVE' } } },
};

/** Soft-iWARP takes the parent of its interface for its own, and with it the card's driver. */
export const SIW: DeviceSpec = {
  driver: 'mlx5_core',
  files: { node_type: '4: RNIC', node_desc: 'Software iWARP stack' },
  ports: { 1: { files: ETHERNET_ACTIVE, ndevs: { 0: 'eth2' } } },
};
