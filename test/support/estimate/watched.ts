// SPDX-License-Identifier: Apache-2.0
// A watch over made traffic, and what it should have counted: by the fields of the rows and the settings of a
// choice, not by masks. For tests only.

import { hasFlow } from '../../../src/abi/kinds.js';
import { ephemeralPorts } from '../../../src/abi/port-folding.js';
import { flowDetail } from '../../../src/config/flow-labels.js';
import type { ChoiceInput } from '../../../src/estimate/estimate.js';
import { FlowWatch } from '../../../src/estimate/flow-watch.js';
import { type LabelSettings, labelChoices } from '../../../src/estimate/label-choice.js';
import { createProjection } from '../../../src/estimate/projection.js';
import type { FlowFilter } from '../../../src/flows/filter.js';
import { createKeyMerger } from '../../../src/flows/key-merger.js';
import { createFlowLabelRenderer } from '../../../src/metrics/flow-labels.js';
import { drainOf, type TestRow } from '../flows/rows.js';

export const RANGE = { first: 32_768, last: 60_999 } as const;
export const SERVICES: readonly number[] = [51_820];

/** Of a watch of ten seconds. */
export const ESTIMATE_OPTIONS = {
  watchedMs: 10_000,
  maxSeries: 1_000_000,
  maxNewSeriesPerMinute: 600,
  idleTimeoutMs: 300_000,
  scrapeIntervalMs: 15_000,
  maxPairs: 1000,
};

const DEFAULTS: LabelSettings = {
  labels: [
    ...['src_ip', 'dst_ip', 'src_port', 'dst_port', 'protocol', 'traffic_type'],
    ...['interface', 'host_ip', 'collect_agg'],
  ],
  ports: 'all',
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
};

export function choiceInputs(configured = DEFAULTS): ChoiceInput[] {
  return labelChoices(configured).map((choice) => ({
    ...choice,
    labels: createFlowLabelRenderer({
      interfaceName: (id) => `eth${id}`,
      hostIp: '10.0.0.1',
      collectAgg: 'default',
      labels: choice.settings.labels,
      vlan: choice.settings.labels.includes('vlan'),
      queuePair: choice.settings.labels.includes('queue_pair'),
    }),
  }));
}

export function createWatch(
  choices: readonly ChoiceInput[],
  options: { readonly seed?: number; readonly idleIntervals?: number; readonly keep?: FlowFilter } = {},
): FlowWatch {
  const { seed = 1, idleIntervals = 300, keep = () => true } = options;
  const folded = ephemeralPorts(RANGE, SERVICES);
  const projectionOf = ({ labels, ...settings }: LabelSettings) => {
    const flows = { ...settings, labels: labels as never, srcPort: true, dstPort: true, vlan: false };
    const detail = flowDetail(flows, false);
    return createProjection(detail, {
      foldedPorts: settings.ports === 'service' ? folded : undefined,
      mergeKey: createKeyMerger(detail),
    });
  };
  return new FlowWatch(
    {
      projections: choices.map(({ settings }) => projectionOf(settings)),
      rocePairs: projectionOf({ ...DEFAULTS, labels: ['src_ip', 'dst_ip', 'interface', 'traffic_type'] }),
      idleIntervals,
      hashSeeds: [seed, ~seed],
    },
    { keep, yieldToLoop: async () => undefined },
  );
}

export async function watchRows(watch: FlowWatch, intervals: readonly (readonly TestRow[])[]): Promise<void> {
  for (const rows of intervals) await watch.apply(drainOf(rows), []);
}

/** Distinct flows of these rows by a choice. */
export function distinctFlows(rows: readonly TestRow[], settings: LabelSettings): number {
  return new Set(rows.filter(({ kind }) => hasFlow(kind)).map((row) => labelsOf(row, settings))).size;
}

function labelsOf(row: TestRow, settings: LabelSettings): string {
  const { labels } = settings;
  const [src, dst] = keptPorts(row, settings);
  const has = (name: string, value: unknown): string => (labels.includes(name) ? `${name}=${value}` : '');
  const hasAddress = labels.includes('src_ip') || labels.includes('dst_ip');
  return [
    has('src_ip', addressOf(row.src, row, settings)),
    has('dst_ip', addressOf(row.dst, row, settings)),
    has('src_port', src),
    has('dst_port', dst),
    has('protocol', row.protocol ?? 0),
    has('vlan', row.vlan ?? 0),
    has('queue_pair', row.qp ?? 0),
    hasAddress ? (row.ipVersion ?? 4) : '',
    row.kind,
    row.interfaceId ?? 1,
  ].join(' ');
}

function keptPorts(row: TestRow, { ports }: LabelSettings): [number, number] {
  const [src, dst] = [row.srcPort ?? 0, row.dstPort ?? 0];
  if (ports === 'none') return [0, 0];
  if (ports === 'all') return [src, dst];
  const isClients = (port: number): boolean =>
    port >= RANGE.first && port <= RANGE.last && !SERVICES.includes(port);
  return [
    isClients(src) && !(isClients(dst) && dst > src) ? 0 : src,
    isClients(dst) && !(isClients(src) && src > dst) ? 0 : dst,
  ];
}

function addressOf(bytes: readonly number[] = [], row: TestRow, settings: LabelSettings): string {
  const bits = (row.ipVersion ?? 4) === 4 ? settings.ipv4PrefixLength : settings.ipv6PrefixLength;
  const text = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return text.slice(0, bits);
}
