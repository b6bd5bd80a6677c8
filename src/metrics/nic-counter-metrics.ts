// SPDX-License-Identifier: Apache-2.0
// Name and help of each meaning that a NIC's counter may have. Where a driver has no such counter there is no sample.

import { MEANINGS, type Meaning } from '../nic/meanings.js';
import type { MetricDefinition } from './definition.js';

const DIRECTIONS = 'direction: received or sent by this host';
const PAUSE =
  'received: the peer stopped us, so look at the network and the receivers. sent: we stopped the peer, so look at this host (PCIe, memory, CPU)';
const PRIORITY =
  "priority: 0 to 7, empty where the card does not tell priorities apart, MANA's traffic classes";

const COUNTERS: Readonly<Record<Meaning, readonly [name: string, help: string]>> = {
  port_packets: [
    'xtrace_nic_port_packets_total',
    `Packets that passed the physical port, RDMA past the kernel among them; ${DIRECTIONS}.`,
  ],
  port_bytes: [
    'xtrace_nic_port_bytes_total',
    `Bytes that passed the physical port, RDMA past the kernel among them, with FCS where the driver counts it; ${DIRECTIONS}.`,
  ],
  rdma_packets: [
    'xtrace_nic_rdma_packets_total',
    `Unicast RDMA packets of this function of the card, which XDP does not see; ${DIRECTIONS}. mlx5 only.`,
  ],
  rdma_bytes: [
    'xtrace_nic_rdma_bytes_total',
    `Unicast RDMA bytes of this function of the card, which XDP does not see; ${DIRECTIONS}. mlx5 only.`,
  ],
  priority_packets: [
    'xtrace_nic_priority_packets_total',
    `Packets that passed the physical port, by priority; ${DIRECTIONS}; ${PRIORITY}. Of bnxt_en, priorities that share a hardware queue each show all of it.`,
  ],
  priority_bytes: [
    'xtrace_nic_priority_bytes_total',
    'Bytes that passed the physical port, by priority, as in xtrace_nic_priority_packets_total.',
  ],
  pause_frames: [
    'xtrace_nic_pause_frames_total',
    `Pause frames of the whole port (802.3x). ${PAUSE}. Some drivers count PFC frames here, too.`,
  ],
  pause_seconds: [
    'xtrace_nic_pause_seconds_total',
    `Time for which the whole port was paused (802.3x). ${PAUSE}.`,
  ],
  pfc_frames: [
    'xtrace_nic_pfc_frames_total',
    `Frames of priority flow control (802.1Qbb) that stop a priority; of mlx5 and bnxt_en, and others that do not tell them apart, those that let it go again as well. ${PAUSE}. ${PRIORITY}.`,
  ],
  pfc_pause_seconds: [
    'xtrace_nic_pfc_pause_seconds_total',
    `Time for which a priority was stopped by priority flow control; its rate is the share of time paused. ${PAUSE}. ${PRIORITY}.`,
  ],
  pause_storm_events: [
    'xtrace_nic_pause_storm_events_total',
    'How often the card itself found that it sent pauses for too long; level: warning, or error, where it stopped sending them and packets may be lost. mlx5 only.',
  ],
  discards: [
    'xtrace_nic_discards_total',
    `Packets that the card or its driver discarded though nothing was wrong with them; ${DIRECTIONS}; reason: port (any on the physical port), port_buffer (its buffer was full: the host does not take them fast enough), no_receive_buffer (the receive queue had none), no_memory, no_steering_rule, internal_queue, ring, link_down, interface_down, any (virtio_net does not say why: frames that are malformed or too long are among them). Reasons may overlap: do not add them up.`,
  ],
  priority_discards: [
    'xtrace_nic_priority_discards_total',
    `Packets discarded by priority; ${DIRECTIONS}; reason: port_buffer, host_buffer (buffers of this host were full), host_congestion. Are in xtrace_nic_discards_total, too.`,
  ],
  errors: [
    'xtrace_nic_errors_total',
    `Packets that were wrong, or could not be sent; ${DIRECTIONS}; reason: crc, stomped_crc (known wrong by an earlier switch), symbol, alignment, length, length_field, oversize, too_long, undersize, fragment, jabber, mtu, control_opcode, local_fault and remote_fault (of the link), internal, underrun, dma, truncated, any.`,
  ],
  ecn_marked_packets: [
    'xtrace_nic_ecn_marked_packets_total',
    `Received packets that the card marked (ECN CE) since this host did not take them fast enough; ${PRIORITY}. Not those that the network marked: see xtrace_roce_ecn_packets_total.`,
  ],
  fec_codewords: [
    'xtrace_nic_fec_codewords_total',
    'Codewords of forward error correction that had errors; result: corrected, or uncorrectable, which loses packets.',
  ],
  fec_corrections: [
    'xtrace_nic_fec_corrections_total',
    'Bits that arrived wrong and were repaired by forward error correction.',
  ],
  uncorrected_symbols: [
    'xtrace_nic_uncorrected_symbols_total',
    'Symbols that arrived wrong and were not repaired: a cable, connector or module that goes bad.',
  ],
  link_down_events: [
    'xtrace_nic_link_down_events_total',
    'How often the link went down; source: kernel (what the kernel noticed, since the interface was made), or card (what the card counts, also while no driver looked).',
  ],
  module_events: [
    'xtrace_nic_module_events_total',
    'Events of the pluggable module; event: unplugged, bus_stuck, high_temperature, shorted. mlx5 only.',
  ],
  pcie_signal_errors: [
    'xtrace_nic_pcie_signal_errors_total',
    'Errors of signal on the PCIe link: it had to recover; direction: received (found by the card) or sent (found by the other side). mlx5 only.',
  ],
  pcie_buffer_overflows: [
    'xtrace_nic_pcie_buffer_overflows_total',
    'Packets lost because PCIe did not take them fast enough. mlx5 only.',
  ],
  pcie_stalled_seconds: [
    'xtrace_nic_pcie_stalled_seconds_total',
    'Seconds in which the card waited for PCIe for more than 30 % of the time; operation: read or write. mlx5 only.',
  ],
  pcie_stalled_ratio: [
    'xtrace_nic_pcie_stalled_ratio',
    'Share of the last second before the reading in which the card waited for PCIe; operation: read or write. mlx5 only.',
  ],
  pcie_errors: [
    'xtrace_nic_pcie_errors_total',
    'Errors that PCIe reported for the device (AER); severity: correctable, nonfatal or fatal; error: its name in the specification, as the kernel writes it.',
  ],
};

/** Of the kernel's own names, as this is what it is to Prometheus. */
const GAUGES: readonly Meaning[] = ['pcie_stalled_ratio'];

export const NIC_MEANINGS = Object.keys(COUNTERS) as readonly Meaning[];

export function nicCounterDefinition(meaning: Meaning, hostLabels: readonly string[]): MetricDefinition {
  const [name, help] = COUNTERS[meaning];
  const labels = ['interface', ...MEANINGS[meaning], ...hostLabels];
  if (GAUGES.includes(meaning)) return { name, help, type: 'gauge', labels };
  return { name, help, type: 'counter', isForeign: true, labels };
}
