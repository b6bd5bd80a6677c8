// SPDX-License-Identifier: Apache-2.0
// ConnectX-3. Pauses are counted by priority where PFC is on, and for the port where it is not.

import { type DriverTable, MICROSECOND } from '../counter-row.js';

export const MLX4: DriverTable = {
  drivers: ['mlx4_en'],
  source: 'drivers/net/ethernet/mellanox/mlx4/en_ethtool.c',
  rows: [
    ['rx_prio_{p}_packets', 'priority_packets', ['{p}', 'received']],
    ['tx_prio_{p}_packets', 'priority_packets', ['{p}', 'sent']],
    ['rx_prio_{p}_bytes', 'priority_bytes', ['{p}', 'received']],
    ['tx_prio_{p}_bytes', 'priority_bytes', ['{p}', 'sent']],
    ['rx_pause', 'pause_frames', ['received']],
    ['tx_pause', 'pause_frames', ['sent']],
    ['rx_pause_duration', 'pause_seconds', ['received'], MICROSECOND],
    ['tx_pause_duration', 'pause_seconds', ['sent'], MICROSECOND],
    ['rx_pause_prio_{p}', 'pfc_frames', ['{p}', 'received']],
    ['tx_pause_prio_{p}', 'pfc_frames', ['{p}', 'sent']],
    ['rx_pause_duration_prio_{p}', 'pfc_pause_seconds', ['{p}', 'received'], MICROSECOND],
    ['tx_pause_duration_prio_{p}', 'pfc_pause_seconds', ['{p}', 'sent'], MICROSECOND],
    ['rx_over_errors', 'discards', ['received', 'no_receive_buffer']],
    ['rx_crc_errors', 'errors', ['received', 'crc']],
    ['rx_length_errors', 'errors', ['received', 'length']],
  ],
};
