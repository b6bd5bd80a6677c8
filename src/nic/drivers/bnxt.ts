// SPDX-License-Identifier: Apache-2.0
// NetXtreme-C and -E, Thor. What the firmware lacks is left out by the driver. Bytes and packets of a priority are
// those of its hardware queue: priorities that share one show the same.

import { type DriverTable, MICROSECOND } from '../counter-row.js';

export const BNXT: DriverTable = {
  drivers: ['bnxt_en'],
  source: 'drivers/net/ethernet/broadcom/bnxt/bnxt_ethtool.c',
  rows: [
    ['rx_total_frames', 'port_packets', ['received']],
    ['tx_total_frames', 'port_packets', ['sent']],
    ['rx_bytes', 'port_bytes', ['received']],
    ['tx_bytes', 'port_bytes', ['sent']],
    ['rx_packets_pri{p}', 'priority_packets', ['{p}', 'received']],
    ['tx_packets_pri{p}', 'priority_packets', ['{p}', 'sent']],
    ['rx_bytes_pri{p}', 'priority_bytes', ['{p}', 'received']],
    ['tx_bytes_pri{p}', 'priority_bytes', ['{p}', 'sent']],
    ['rx_pause_frames', 'pause_frames', ['received']],
    ['tx_pause_frames', 'pause_frames', ['sent']],
    ['rx_pfc_ena_frames_pri{p}', 'pfc_frames', ['{p}', 'received']],
    ['tx_pfc_ena_frames_pri{p}', 'pfc_frames', ['{p}', 'sent']],
    ['pfc_pri{p}_rx_duration_us', 'pfc_pause_seconds', ['{p}', 'received'], MICROSECOND],
    ['pfc_pri{p}_tx_duration_us', 'pfc_pause_seconds', ['{p}', 'sent'], MICROSECOND],
    ['rx_stat_discard', 'discards', ['received', 'port']],
    ['tx_stat_discard', 'discards', ['sent', 'port']],
    ['rx_total_ring_discards', 'discards', ['received', 'no_receive_buffer']],
    ['tx_total_ring_discards', 'discards', ['sent', 'ring']],
    ['rx_total_oom_discards', 'discards', ['received', 'no_memory']],
    ['rx_filter_miss', 'discards', ['received', 'no_steering_rule']],
    ['rx_fcs_err_frames', 'errors', ['received', 'crc']],
    ['rx_align_err_frames', 'errors', ['received', 'alignment']],
    ['rx_ovrsz_frames', 'errors', ['received', 'oversize']],
    ['rx_undrsz_frames', 'errors', ['received', 'undersize']],
    ['rx_runt_frames', 'errors', ['received', 'fragment']],
    ['rx_jbr_frames', 'errors', ['received', 'jabber']],
    ['rx_mtu_err_frames', 'errors', ['received', 'mtu']],
    ['tx_fcs_err_frames', 'errors', ['sent', 'crc']],
    ['tx_jabber_frames', 'errors', ['sent', 'jabber']],
    ['tx_fifo_underruns', 'errors', ['sent', 'underrun']],
    ['rx_fec_corrected_blocks', 'fec_codewords', ['corrected']],
    ['rx_fec_uncorrectable_blocks', 'fec_codewords', ['uncorrectable']],
    ['rx_corrected_bits', 'fec_corrections', []],
    ['rx_pcs_symbol_err', 'uncorrected_symbols', []],
    ['link_down_events', 'link_down_events', ['card']],
  ],
};
