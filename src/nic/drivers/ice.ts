// SPDX-License-Identifier: Apache-2.0
// E810 and later, whose RDMA is irdma's; and X710, whose strings say the same in other words. PFC is counted by frames
// that stop (XOFF) and frames that let go (XON): a pause is what stops. Time is not counted.

import type { DriverTable } from '../counter-row.js';

export const ICE: DriverTable = {
  drivers: ['ice'],
  source: 'drivers/net/ethernet/intel/ice/ice_ethtool.c',
  rows: [
    ['rx_bytes.nic', 'port_bytes', ['received']],
    ['tx_bytes.nic', 'port_bytes', ['sent']],
    ['link_xoff_rx.nic', 'pause_frames', ['received']],
    ['link_xoff_tx.nic', 'pause_frames', ['sent']],
    ['rx_priority_{p}_xoff.nic', 'pfc_frames', ['{p}', 'received']],
    ['tx_priority_{p}_xoff.nic', 'pfc_frames', ['{p}', 'sent']],
    ['rx_dropped.nic', 'discards', ['received', 'port']],
    ['rx_dropped', 'discards', ['received', 'no_receive_buffer']],
    ['tx_dropped_link_down.nic', 'discards', ['sent', 'link_down']],
    ['rx_crc_errors.nic', 'errors', ['received', 'crc']],
    ['rx_length_errors.nic', 'errors', ['received', 'length']],
    ['rx_oversize.nic', 'errors', ['received', 'oversize']],
    ['rx_undersize.nic', 'errors', ['received', 'undersize']],
    ['rx_fragments.nic', 'errors', ['received', 'fragment']],
    ['rx_jabber.nic', 'errors', ['received', 'jabber']],
    ['mac_local_faults.nic', 'errors', ['received', 'local_fault']],
    ['mac_remote_faults.nic', 'errors', ['received', 'remote_fault']],
    ['tx_errors.nic', 'errors', ['sent', 'any']],
  ],
};

export const I40E: DriverTable = {
  drivers: ['i40e'],
  source: 'drivers/net/ethernet/intel/i40e/i40e_ethtool.c',
  rows: [
    ['port.rx_bytes', 'port_bytes', ['received']],
    ['port.tx_bytes', 'port_bytes', ['sent']],
    ['port.link_xoff_rx', 'pause_frames', ['received']],
    ['port.link_xoff_tx', 'pause_frames', ['sent']],
    ['port.rx_dropped', 'discards', ['received', 'port']],
    ['port.tx_dropped_link_down', 'discards', ['sent', 'link_down']],
    ['port.rx_crc_errors', 'errors', ['received', 'crc']],
    ['port.rx_length_errors', 'errors', ['received', 'length']],
    ['port.mac_local_faults', 'errors', ['received', 'local_fault']],
    ['port.mac_remote_faults', 'errors', ['received', 'remote_fault']],
    ['port.tx_errors', 'errors', ['sent', 'any']],
  ],
};
