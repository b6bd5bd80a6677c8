// SPDX-License-Identifier: Apache-2.0
// Azure's adapter, whose driver says traffic class where others say priority.

import type { DriverTable } from '../counter-row.js';

export const MANA: DriverTable = {
  drivers: ['mana'],
  source: 'drivers/net/ethernet/microsoft/mana/mana_ethtool.c',
  rows: [
    ['hc_tc{p}_rx_pkt_phy', 'priority_packets', ['{p}', 'received']],
    ['hc_tc{p}_tx_pkt_phy', 'priority_packets', ['{p}', 'sent']],
    ['hc_tc{p}_rx_byte_phy', 'priority_bytes', ['{p}', 'received']],
    ['hc_tc{p}_tx_byte_phy', 'priority_bytes', ['{p}', 'sent']],
    ['hc_tc{p}_rx_pause_phy', 'pfc_frames', ['{p}', 'received']],
    ['hc_tc{p}_tx_pause_phy', 'pfc_frames', ['{p}', 'sent']],
    ['hc_rx_pkt_drop_phy', 'discards', ['received', 'port']],
    ['hc_tx_pkt_drop_phy', 'discards', ['sent', 'port']],
    ['hc_rx_discards_no_wqe', 'discards', ['received', 'no_receive_buffer']],
    ['hc_rx_err_vport_disabled', 'discards', ['received', 'interface_down']],
    ['hc_tx_err_vport_disabled', 'discards', ['sent', 'interface_down']],
    ['hc_tx_err_mtu_violation', 'errors', ['sent', 'mtu']],
  ],
};
