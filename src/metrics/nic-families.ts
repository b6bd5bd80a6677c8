// SPDX-License-Identifier: Apache-2.0
// NICs, by what they and the kernel count of them, as metrics. Pure; what is read, and when, is decided in nic/. These
// metrics exist where nic.enabled is on; a sample where the NIC tells of it.

import { MEANINGS, type Meaning } from '../nic/meanings.js';
import type { NicStatus, NicView } from '../nic/nic-rounds.js';
import type { PauseView } from '../nic/pause-watch.js';
import type { NicNumbers } from '../nic/questions.js';
import { type Family, familiesOf, type Labels, type Metric, sample } from './definition.js';
import { HOST_LABELS, type HostIdentity, hostLabels } from './host-labels.js';
import { NIC_MEANINGS, nicCounterDefinition } from './nic-counter-metrics.js';

interface NicMetricsView {
  readonly view: NicView;
  /** HOST_LABELS. */
  readonly host: Labels;
}

type OwnSample = readonly [own: Labels, value: number];
type ValuesOf = (nic: NicStatus) => Iterable<OwnSample>;

const LANE_LABELS = ['interface', 'lane', ...HOST_LABELS] as const;
const PAUSE_LABELS = ['interface', 'priority', 'direction', ...HOST_LABELS] as const;
const DIRECTION = 'received: the peer stops us. sent: we stop the peer, so look at this host';

export const NIC_METRICS: readonly Metric<NicMetricsView>[] = [
  {
    definition: {
      name: 'xtrace_nic_info',
      help: 'The driver of the interface, its firmware and its address on the bus, as ethtool -i shows them. Always 1.',
      type: 'info',
      labels: ['interface', 'driver', 'firmware', 'bus', ...HOST_LABELS],
    },
    samples: perNic(({ numbers }) =>
      numbers === undefined || numbers.driver === ''
        ? []
        : [[labelsOf(['driver', 'firmware', 'bus'], [numbers.driver, numbers.firmware, numbers.bus]), 1]],
    ),
  },
  {
    definition: {
      name: 'xtrace_nic_link_info',
      help: 'Settings of the link: duplex (full, half), autonegotiation (on, off), lanes, and fec, the error correction in use (off, rs, baser, llrs); empty where the driver does not say. Always 1; the series ends when one changes.',
      type: 'info',
      labels: ['interface', 'duplex', 'autonegotiation', 'lanes', 'fec', ...HOST_LABELS],
    },
    samples: perNic(linkLabels),
  },
  gauge('xtrace_nic_link_rate_bytes_per_second', 'Speed of the link: 100 Gb/s is 12500000000.', (nic) =>
    single(nic.numbers?.link.speedBitsPerSecond, 1 / 8),
  ),
  ...NIC_MEANINGS.map(counterMetric),
  gauge(
    'xtrace_nic_pcie_transfers_per_second',
    'Transfers a second on each lane of the PCIe link of the NIC: 16 GT/s is 16000000000.',
    (nic) => single(nic.numbers?.pcie?.transfersPerSecond),
  ),
  gauge(
    'xtrace_nic_pcie_max_transfers_per_second',
    'What xtrace_nic_pcie_transfers_per_second could be, by what the NIC is able to do; the slot may be slower.',
    (nic) => single(nic.numbers?.pcie?.maxTransfersPerSecond),
  ),
  gauge('xtrace_nic_pcie_lanes', 'Lanes of the PCIe link of the NIC.', (nic) =>
    single(nic.numbers?.pcie?.lanes),
  ),
  gauge('xtrace_nic_pcie_max_lanes', 'Lanes that the NIC has; the slot may have fewer.', (nic) =>
    single(nic.numbers?.pcie?.maxLanes),
  ),
  gauge(
    'xtrace_nic_module_temperature_celsius',
    'Temperature of the pluggable module, read once a minute. Copper measures none.',
    (nic) => single(nic.module?.temperatureCelsius),
  ),
  {
    definition: {
      name: 'xtrace_nic_module_received_watts',
      help: 'Light that the module receives, by lane from 0, read once a minute: 0.001 is 0 dBm, 0 is no light.',
      type: 'gauge',
      labels: LANE_LABELS,
    },
    samples: perNic(({ module }) => lanesOf(module?.receivedWatts)),
  },
  {
    definition: {
      name: 'xtrace_nic_module_sent_watts',
      help: 'Light that the module sends, by lane from 0, read once a minute.',
      type: 'gauge',
      labels: LANE_LABELS,
    },
    samples: perNic(({ module }) => lanesOf(module?.sentWatts)),
  },
  pauseMetric(
    'xtrace_nic_pfc_longest_pause_seconds',
    `Longest time in the last refresh interval for which a priority was stopped without a break, as far as samples can tell (xtrace_nic_pfc_sample_interval_seconds): 80 % of each were pause. One that goes on counts from its start. ${DIRECTION}. Only where PFC has ever stopped anything.`,
    ({ longestPauseMs }) => longestPauseMs / 1000,
  ),
  pauseMetric(
    'xtrace_nic_pfc_paused_ratio',
    `Share of the last refresh interval for which a priority was stopped. ${DIRECTION}. Only where the card counts the time.`,
    ({ pausedShare }) => pausedShare,
  ),
  pauseMetric(
    'xtrace_nic_pfc_storm',
    `Whether a priority is in a PFC storm (1): for 400 ms at least, in each sample, it was stopped and not one packet got through. ${DIRECTION}.`,
    ({ isStorm }) => (isStorm === undefined ? undefined : Number(isStorm)),
  ),
  pauseMetric(
    'xtrace_nic_pfc_storms_total',
    `PFC storms that began, as in xtrace_nic_pfc_storm. ${DIRECTION}.`,
    ({ isStorm, storms }) => (isStorm === undefined ? undefined : storms),
    'counter',
  ),
  {
    definition: {
      name: 'xtrace_nic_pfc_sample_interval_seconds',
      help: 'Time between two samples of PFC: 0.1, or more where reading the NICs takes long. There is none where PFC has never stopped anything.',
      type: 'gauge',
      labels: HOST_LABELS,
    },
    samples: ({ view, host }) =>
      view.pauseIntervalMs === undefined ? [] : [sample(host, view.pauseIntervalMs / 1000)],
  },
  {
    definition: {
      name: 'xtrace_nic_raw',
      help: "Counters and amounts that nic.raw asks for, under the driver's own name and in its own unit: what has a meaning of its own in this schema is not repeated here. Some fall.",
      type: 'gauge',
      labels: ['interface', 'counter', ...HOST_LABELS],
    },
    samples: perNic(({ numbers }) =>
      (numbers?.raw ?? []).map(({ name, value }) => [[['counter', name]], value] as const),
    ),
  },
  gauge(
    'xtrace_nic_raw_left_out',
    'Counters that nic.raw asks for and that are not shown, as an interface shows 256 at most.',
    ({ numbers }) => (numbers === undefined || isEmptyRaw(numbers) ? [] : single(numbers.rawLeftOut)),
  ),
  gauge(
    'xtrace_nic_read_success',
    'Whether the NIC answered the last reading (1) or not (0). While it does not, its numbers are left out.',
    (nic) => single(Number(nic.numbers !== undefined)),
  ),
  {
    definition: {
      name: 'xtrace_nic_read_failures_total',
      help: 'Failed attempts to read the NIC, by reason: timeout (it hung and was cut off), error (the driver refused, or there was no process to read), malformed (an answer or a file that made no sense).',
      type: 'counter',
      labels: ['interface', 'reason', ...HOST_LABELS],
    },
    samples: perNic(({ failures }) =>
      Object.entries(failures).map(([reason, value]) => [[['reason', reason]], value] as const),
    ),
  },
  {
    definition: {
      name: 'xtrace_nic_read_duration_seconds',
      help: "Time the last reading of a source took: stats (the driver's own, ethtool -S), pause, fec, standard (phy, mac, ctrl, rmon), link, sysfs, module. It delays nothing: refreshes go on meanwhile and show the reading before.",
      type: 'gauge',
      labels: ['interface', 'source', ...HOST_LABELS],
    },
    samples: perNic(({ durationsMs }) =>
      Object.entries(durationsMs).map(([source, ms]) => [[['source', source]], ms / 1000] as const),
    ),
  },
];

/** In the order of NIC_METRICS. */
export function nicFamilies(view: NicView, host: HostIdentity): Family[] {
  return familiesOf(NIC_METRICS, { view, host: hostLabels(host) });
}

/** Samples of each NIC: its own labels between those of interface and host. */
function perNic(valuesOf: ValuesOf): Metric<NicMetricsView>['samples'] {
  return ({ view, host }) =>
    view.nics.flatMap((nic) =>
      [...valuesOf(nic)].map(([own, value]) =>
        sample([['interface', nic.interfaceName], ...own, ...host], value),
      ),
    );
}

function gauge(name: string, help: string, valuesOf: ValuesOf): Metric<NicMetricsView> {
  const labels = ['interface', ...HOST_LABELS];
  return { definition: { name, help, type: 'gauge', labels }, samples: perNic(valuesOf) };
}

function counterMetric(meaning: Meaning): Metric<NicMetricsView> {
  return {
    definition: nicCounterDefinition(meaning, HOST_LABELS),
    samples: perNic(({ numbers }) =>
      (numbers?.counters ?? [])
        .filter((one) => one.meaning === meaning)
        .map(({ labels, value }) => [labelsOf(MEANINGS[meaning], labels), value]),
    ),
  };
}

function pauseMetric(
  name: string,
  help: string,
  valueIn: (pause: PauseView) => number | undefined,
  type: 'gauge' | 'counter' = 'gauge',
): Metric<NicMetricsView> {
  return {
    definition: { name, help, type, labels: PAUSE_LABELS },
    samples: perNic(({ pauses }) =>
      pauses.flatMap((pause): OwnSample[] => {
        const value = valueIn(pause);
        const own = labelsOf(['priority', 'direction'], [pause.priority, pause.direction]);
        return value === undefined ? [] : [[own, value]];
      }),
    ),
  };
}

function linkLabels({ numbers }: NicStatus): OwnSample[] {
  const { isFullDuplex, isAutonegotiated, lanes, fecMode = '' } = numbers?.link ?? {};
  const duplex = isFullDuplex === undefined ? '' : isFullDuplex ? 'full' : 'half';
  const autonegotiation = isAutonegotiated === undefined ? '' : isAutonegotiated ? 'on' : 'off';
  const values = [duplex, autonegotiation, lanes === undefined ? '' : String(lanes), fecMode];
  if (values.every((value) => value === '')) return [];
  return [[labelsOf(['duplex', 'autonegotiation', 'lanes', 'fec'], values), 1]];
}

function isEmptyRaw({ raw, rawLeftOut }: Pick<NicNumbers, 'raw' | 'rawLeftOut'>): boolean {
  return raw.length === 0 && rawLeftOut === 0;
}

function labelsOf(names: readonly string[], values: readonly string[]): Labels {
  return names.map((name, index) => [name, values[index] ?? ''] as const);
}

function lanesOf(watts: readonly number[] | undefined): OwnSample[] {
  return (watts ?? []).map((value, lane) => [[['lane', String(lane)]], value]);
}

function single(value: number | undefined, factor = 1): OwnSample[] {
  return value === undefined ? [] : [[[], value * factor]];
}
