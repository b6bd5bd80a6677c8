// SPDX-License-Identifier: Apache-2.0
// AMD Pensando. PFC frames are counted for all priorities at once, the time they stop by priority.

import { type DriverTable, MICROSECOND } from '../counter-row.js';

export const IONIC: DriverTable = {
  drivers: ['ionic'],
  source: 'drivers/net/ethernet/pensando/ionic/ionic_stats.c',
  rows: [
    ['frames_rx_all', 'port_packets', ['received']],
    ['frames_tx_all', 'port_packets', ['sent']],
    ['octets_rx_all', 'port_bytes', ['received']],
    ['octets_tx_total', 'port_bytes', ['sent']],
    ['frames_rx_pri_{p}', 'priority_packets', ['{p}', 'received']],
    ['frames_tx_pri_{p}', 'priority_packets', ['{p}', 'sent']],
    ['frames_rx_pause', 'pause_frames', ['received']],
    ['frames_tx_pause', 'pause_frames', ['sent']],
    ['rx_pause_1us_count', 'pause_seconds', ['received'], MICROSECOND],
    ['frames_rx_pripause', 'pfc_frames', ['', 'received']],
    ['frames_tx_pripause', 'pfc_frames', ['', 'sent']],
    ['rx_pripause_{p}_1us_count', 'pfc_pause_seconds', ['{p}', 'received'], MICROSECOND],
    ['tx_pripause_{p}_1us_count', 'pfc_pause_seconds', ['{p}', 'sent'], MICROSECOND],
    ['frames_rx_dropped', 'discards', ['received', 'port']],
    ['hw_rx_dropped', 'discards', ['received', 'no_receive_buffer']],
    ['hw_tx_dropped', 'discards', ['sent', 'ring']],
    ['frames_rx_bad_fcs', 'errors', ['received', 'crc']],
    ['frames_rx_stomped_crc', 'errors', ['received', 'stomped_crc']],
    ['frames_rx_bad_length', 'errors', ['received', 'length']],
    ['frames_rx_oversized', 'errors', ['received', 'oversize']],
    ['frames_rx_undersized', 'errors', ['received', 'undersize']],
    ['frames_rx_fragments', 'errors', ['received', 'fragment']],
    ['frames_rx_jabber', 'errors', ['received', 'jabber']],
    ['frames_rx_too_long', 'errors', ['received', 'too_long']],
    ['frames_tx_bad', 'errors', ['sent', 'any']],
    ['frames_tx_truncated', 'errors', ['sent', 'truncated']],
  ],
};
