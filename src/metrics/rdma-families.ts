// SPDX-License-Identifier: Apache-2.0
// RDMA ports, and what can be seen of their traffic, as families. Pure; what was read, and when, is
// decided elsewhere.
import type { RdmaPortStatus } from '../rdma/port-reader.js';
import type { RdmaView, VisibilityView } from '../rdma/rounds.js';
import type { MetricDefinition } from './catalog.js';
import type { Family, Sample } from './family.js';
import { RDMA_METRICS } from './rdma-catalog.js';

export interface RdmaFamilyOptions {
  readonly hostIp: string;
  readonly collectAgg: string;
}

type Labels = Sample['labels'];

/**
 * Files of hw_counters that hold a present amount: bnxt_re's resources in use, the most there were, and
 * its doorbell queue (hw_counters.c); mana's rate and queue pairs under congestion control (counters.c).
 */
const GAUGE_FILES = /^(?:active_|watermark_|num_qps_)|^(?:db_fifo_register|current_rate)$/;

/** In the order of the catalogue. */
export function rdmaFamilies(view: RdmaView, options: RdmaFamilyOptions): Family[] {
  const m = RDMA_METRICS;
  const host: Labels = [
    ['host_ip', options.hostIp],
    ['collect_agg', options.collectAgg],
  ];
  const perPort = (
    definition: MetricDefinition,
    valuesOf: (port: RdmaPortStatus) => Iterable<readonly [own: Labels, value: number]>,
  ): Family =>
    family(
      definition,
      view.ports.flatMap((port) =>
        [...valuesOf(port)].map(([own, value]) => sample([...portLabels(port), ...own, ...host], value)),
      ),
    );
  const hardware = (port: RdmaPortStatus, isGauge: boolean): [Labels, number][] =>
    named(
      Object.entries(port.counters?.hardware ?? {}).filter(([name]) => GAUGE_FILES.test(name) === isGauge),
    );

  return [
    perPort(m.portInfo, (port) => infoLabels(port).map((own) => [own, 1] as const)),
    perPort(m.portStateInfo, stateLabels),
    perPort(m.portActive, ({ link }) =>
      single(link?.state === undefined ? undefined : Number(link.state === 'active')),
    ),
    perPort(m.portRateBytesPerSecond, ({ link }) =>
      single(link?.rateBitsPerSecond === undefined ? undefined : link.rateBitsPerSecond / 8),
    ),
    perPort(m.portReceivedBytesTotal, ({ counters }) => single(counters?.receivedBytes)),
    perPort(m.portTransmittedBytesTotal, ({ counters }) => single(counters?.transmittedBytes)),
    perPort(m.portStatsTotal, ({ counters }) => named(Object.entries(counters?.standard ?? {}))),
    perPort(m.hwStatsTotal, (port) => hardware(port, false)),
    perPort(m.hwLevel, (port) => hardware(port, true)),
    perPort(m.readSuccess, ({ counters }) => single(Number(counters !== undefined))),
    perPort(m.readFailuresTotal, ({ timeouts, errors }) => [
      [[['reason', 'timeout']], timeouts],
      [[['reason', 'error']], errors],
    ]),
    family(m.readDurationSeconds, view.ports.length === 0 ? [] : [sample(host, view.readDurationMs / 1000)]),
    family(
      m.roceVisibility,
      view.visibility.map((row) => sample([...rowLabels(row), ['state', row.state], ...host], 1)),
    ),
    family(
      m.roceOffloadUnseenPackets,
      view.visibility.flatMap((row) =>
        row.unseenPackets === undefined ? [] : [sample([...rowLabels(row), ...host], row.unseenPackets)],
      ),
    ),
  ];
}

function portLabels({ name }: RdmaPortStatus): Labels {
  return [
    ['device', name.device],
    ['port', String(name.port)],
  ];
}

function stateLabels({ link }: RdmaPortStatus): [Labels, number][] {
  if (link?.state === undefined) return [];
  const labels: Labels = [
    ['state', link.state],
    ['physical_state', link.physState ?? ''],
  ];
  return [[labels, 1]];
}

function infoLabels({ identity }: RdmaPortStatus): Labels[] {
  if (identity === undefined) return [];
  const netdevs = identity.netdevs.length === 0 ? [''] : identity.netdevs;
  return netdevs.map((netdev) => [
    ['netdev', netdev],
    ['driver', identity.driver],
    ['link_layer', identity.linkLayer ?? ''],
    ['node_guid', identity.nodeGuid ?? ''],
    ['firmware', identity.firmwareVersion ?? ''],
    ['hca_type', identity.hcaType ?? ''],
    ['board_id', identity.boardId ?? ''],
    ['virtual_function', String(identity.isVirtualFunction)],
  ]);
}

function rowLabels(row: VisibilityView): Labels {
  return [
    ['interface', row.interfaceName],
    ['rdma_device', row.rdmaDevice],
  ];
}

function single(value: number | undefined): [Labels, number][] {
  return value === undefined ? [] : [[[], value]];
}

function named(entries: readonly (readonly [string, number])[]): [Labels, number][] {
  return entries.map(([name, value]) => [[['counter', name]], value]);
}

function family({ name, help, type }: MetricDefinition, samples: readonly Sample[]): Family {
  return { name, help, type, samples };
}

function sample(labels: Labels, value: number): Sample {
  return { suffix: '', labels, value };
}
