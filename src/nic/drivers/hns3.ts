// SPDX-License-Identifier: Apache-2.0
// Kunpeng. Time of pauses is in a unit that the driver does not say, and left out.

import type { DriverTable } from '../counter-row.js';

export const HNS3: DriverTable = {
  drivers: ['hns3'],
  source: 'drivers/net/ethernet/hisilicon/hns3/hns3pf/hclge_main.c',
  rows: [
    ['mac_rx_total_pkt_num', 'port_packets', ['received']],
    ['mac_tx_total_pkt_num', 'port_packets', ['sent']],
    ['mac_rx_total_oct_num', 'port_bytes', ['received']],
    ['mac_tx_total_oct_num', 'port_bytes', ['sent']],
    ['mac_rx_mac_pause_num', 'pause_frames', ['received']],
    ['mac_tx_mac_pause_num', 'pause_frames', ['sent']],
    ['mac_rx_pfc_pri{p}_pkt_num', 'pfc_frames', ['{p}', 'received']],
    ['mac_tx_pfc_pri{p}_pkt_num', 'pfc_frames', ['{p}', 'sent']],
    ['mac_rx_fcs_err_pkt_num', 'errors', ['received', 'crc']],
    ['mac_rx_oversize_pkt_num', 'errors', ['received', 'oversize']],
    ['mac_rx_undersize_pkt_num', 'errors', ['received', 'undersize']],
    ['mac_rx_fragment_pkt_num', 'errors', ['received', 'fragment']],
    ['mac_rx_jabber_pkt_num', 'errors', ['received', 'jabber']],
    ['mac_tx_err_all_pkt_num', 'errors', ['sent', 'any']],
  ],
};
