// SPDX-License-Identifier: Apache-2.0
// RDMA ports, and what can be seen of their traffic, as families. Pure; what was read, and when, is
// decided elsewhere.
import type { MetricDefinition } from './catalog.js';
import type { Family, Sample } from './family.js';
import { RDMA_METRICS } from './rdma-catalog.js';

/** One port, or, as port 0, the device itself. What is undefined is left out. */
export interface RdmaPortView {
  readonly device: string;
  readonly port: number;
  readonly identity:
    | {
        readonly netdevs: readonly string[];
        readonly driver: string;
        readonly linkLayer: string | undefined;
        readonly nodeGuid: string | undefined;
        readonly firmwareVersion: string | undefined;
        readonly hcaType: string | undefined;
        readonly boardId: string | undefined;
        readonly isVirtualFunction: boolean;
      }
    | undefined;
  readonly state: string | undefined;
  readonly physState: string | undefined;
  readonly rateBitsPerSecond: number | undefined;
  readonly receivedBytes: number | undefined;
  readonly transmittedBytes: number | undefined;
  readonly standard: Readonly<Record<string, number>>;
  readonly hardware: Readonly<Record<string, number>>;
  readonly isRead: boolean;
  readonly timeouts: number;
  readonly errors: number;
}

export interface VisibilityView {
  readonly interfaceName: string;
  readonly rdmaDevice: string;
  readonly state: string;
  readonly unseenPackets: number | undefined;
}

export interface RdmaView {
  readonly ports: readonly RdmaPortView[];
  readonly visibility: readonly VisibilityView[];
  readonly readDurationMs: number;
}

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
    valuesOf: (port: RdmaPortView) => Iterable<readonly [own: Labels, value: number]>,
  ): Family =>
    family(
      definition,
      view.ports.flatMap((port) =>
        [...valuesOf(port)].map(([own, value]) => sample([...portLabels(port), ...own, ...host], value)),
      ),
    );
  const hardware = (port: RdmaPortView, isGauge: boolean): [Labels, number][] =>
    named(Object.entries(port.hardware).filter(([name]) => GAUGE_FILES.test(name) === isGauge));

  return [
    perPort(m.portInfo, (port) => infoLabels(port).map((own) => [own, 1] as const)),
    perPort(m.portStateInfo, ({ state, physState }) =>
      state === undefined
        ? []
        : [
            [
              [
                ['state', state],
                ['physical_state', physState ?? ''],
              ],
              1,
            ],
          ],
    ),
    perPort(m.portActive, ({ state }) =>
      single(state === undefined ? undefined : Number(state === 'active')),
    ),
    perPort(m.portRateBytesPerSecond, ({ rateBitsPerSecond: bits }) =>
      single(bits === undefined ? undefined : bits / 8),
    ),
    perPort(m.portReceivedBytesTotal, (port) => single(port.receivedBytes)),
    perPort(m.portTransmittedBytesTotal, (port) => single(port.transmittedBytes)),
    perPort(m.portStatsTotal, (port) => named(Object.entries(port.standard))),
    perPort(m.hwStatsTotal, (port) => hardware(port, false)),
    perPort(m.hwLevel, (port) => hardware(port, true)),
    perPort(m.readSuccess, (port) => single(Number(port.isRead))),
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

function portLabels({ device, port }: RdmaPortView): Labels {
  return [
    ['device', device],
    ['port', String(port)],
  ];
}

function infoLabels({ identity }: RdmaPortView): Labels[] {
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
