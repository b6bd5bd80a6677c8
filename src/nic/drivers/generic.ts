// SPDX-License-Identifier: Apache-2.0
// NICs without RDMA, real and virtual: what their drivers say beyond the kernel's common counters.

import type { DriverTable } from '../counter-row.js';

export const IGB: DriverTable = {
  drivers: ['igb', 'igc'],
  source: 'drivers/net/ethernet/intel/igb/igb_ethtool.c',
  rows: [
    ['rx_packets', 'port_packets', ['received']],
    ['tx_packets', 'port_packets', ['sent']],
    ['rx_bytes', 'port_bytes', ['received']],
    ['tx_bytes', 'port_bytes', ['sent']],
    ['rx_flow_control_xoff', 'pause_frames', ['received']],
    ['tx_flow_control_xoff', 'pause_frames', ['sent']],
    ['rx_missed_errors', 'discards', ['received', 'port_buffer']],
    ['rx_crc_errors', 'errors', ['received', 'crc']],
    ['rx_align_errors', 'errors', ['received', 'alignment']],
    ['rx_long_length_errors', 'errors', ['received', 'oversize']],
    ['rx_short_length_errors', 'errors', ['received', 'undersize']],
    ['tx_dma_out_of_sync', 'errors', ['sent', 'dma']],
  ],
};

/**
 * Sums over the queues: since Linux 6.10; before that only the queues themselves are named, and none is taken.
 * Without a buffer, too long or malformed: it is all one count.
 */
export const VIRTIO_NET: DriverTable = {
  drivers: ['virtio_net'],
  source: 'drivers/net/virtio_net.c',
  rows: [['rx_drops', 'discards', ['received', 'any']]],
};
