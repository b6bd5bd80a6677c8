// SPDX-License-Identifier: Apache-2.0
// The pair table as metric families, in the order of the catalogue. Makes samples in slices: a thousand
// pairs have some forty thousand. Counts nothing itself.

import { Pacer } from '../pacer.js';
import type { RocePairsView } from '../roce/views.js';
import {
  type Family,
  familiesOf,
  type Labels,
  type Metric,
  type MetricDefinition,
  type Sample,
  sample,
  toFamily,
} from './definition.js';
import { DIRECTION } from './direction.js';
import type { FirstZeros } from './first-zeros.js';
import {
  LENGTH_LABEL,
  pairLabels,
  ROCE_PAIR_LABELS,
  type RoceLabelOptions,
  VERSION_LABELS,
} from './roce-labels.js';
import { PAIR_METRICS } from './roce-pair-metrics.js';
import { partName } from './roce-part-names.js';

export type RoceFamilyOptions = RoceLabelOptions;

export interface RoceFamilyParts {
  /** What a pair's counters show as yet; their values unless told. */
  readonly zeros?: Pick<FirstZeros, 'show'>;
  /** Lets the event loop turn once (setImmediate). */
  yieldToLoop(): Promise<void>;
}

/**
 * Prices of a step, nanoseconds. Measured with 1,000 pairs, 50,000 samples: 20 ms in 100 turns, none above
 * 1 ms when warm. Rendering them then takes 50 ms, encoding them for remote write 75 ms, both in turns.
 */
const LABELS_NS = 2000;
const PAIR_METRIC_NS = 600;

const NO_LABELS: Labels = [];
const MALFORMED_VERSION = 'malformed';
const NO_BUCKETS: ReadonlyMap<number, number> = new Map();

/** Of the present interval, by path. */
export const PATH_METRICS = [
  {
    definition: {
      name: 'xtrace_roce_queue_pairs_active',
      help: 'Destination queue pairs seen in the last refresh interval. Queue pairs 0 and 1 (management) and CNPs are left out.',
      type: 'gauge',
      labels: ROCE_PAIR_LABELS,
    },
    value: 'queuePairs',
  },
  {
    definition: {
      name: 'xtrace_roce_udp_source_ports_active',
      help: 'UDP source ports that RoCE v2 packets to these queue pairs had in the last refresh interval: the entropy that ECMP has. 1 where there are many queue pairs: all take one path.',
      type: 'gauge',
      labels: ROCE_PAIR_LABELS,
    },
    value: 'sourcePorts',
  },
  {
    definition: {
      name: 'xtrace_roce_queue_pair_bytes_max_ratio',
      help: 'Share of the busiest of these queue pairs in their bytes of the last refresh interval, 0 to 1; 0 when idle.',
      type: 'gauge',
      labels: ROCE_PAIR_LABELS,
    },
    value: 'busiestShare',
  },
  {
    definition: {
      name: 'xtrace_roce_udp_source_port_imbalance_ratio',
      help: 'Bytes of the busiest of these UDP source ports in the last refresh interval over the mean of all of them: 1 is even, N means that one of N carried all; 0 when idle.',
      type: 'gauge',
      labels: ROCE_PAIR_LABELS,
    },
    value: 'sourcePortImbalance',
  },
  {
    definition: {
      name: 'xtrace_roce_udp_source_port_bytes_max_ratio',
      help: 'Share of the busiest of these UDP source ports in their bytes of the last refresh interval, 0 to 1; 0 when idle. Of packets that are sprayed over many ports, those that are equal in their last 8 bits are one.',
      type: 'gauge',
      labels: ROCE_PAIR_LABELS,
    },
    value: 'busiestPortShare',
  },
] as const;

const PENDING_LABELS = ['interface', 'direction', 'version', 'host_ip', 'collect_agg'] as const;

const OTHER_LABELS = ['interface', 'direction', 'version', 'reason', 'host_ip', 'collect_agg'] as const;

/** Of one interface and version. */
interface PendingRow {
  readonly interfaceId: number;
  /** Value of the label version. */
  readonly version: string;
  packets: number;
  bytes: number;
}

interface TableView {
  readonly pairs: RocePairsView;
  /** With PENDING_LABELS. */
  readonly pending: readonly { readonly row: PendingRow; readonly labels: Labels }[];
  /** With OTHER_LABELS. */
  readonly others: readonly { readonly row: RocePairsView['others'][number]; readonly labels: Labels }[];
}

const TABLE_METRICS: readonly Metric<TableView>[] = [
  {
    definition: {
      name: 'xtrace_roce_other_packets_total',
      help: 'RoCE packets that are in no pair, by version (malformed: no valid RoCE) and reason: max_pairs (no room, see roce.max_pairs and flows.max_exposition_bytes), map_full (the kernel map was full, see roce.max_streams), expired (totals of pairs that ended), reloaded (totals of pairs that a reload ended).',
      type: 'counter',
      labels: OTHER_LABELS,
    },
    samples: ({ others }) => others.map(({ row, labels }) => sample(labels, row.packets)),
  },
  {
    definition: {
      name: 'xtrace_roce_other_bytes_total',
      help: 'Bytes of these packets; reasons as in xtrace_roce_other_packets_total.',
      type: 'counter',
      labels: OTHER_LABELS,
    },
    samples: ({ others }) => others.map(({ row, labels }) => sample(labels, row.bytes)),
  },
  {
    definition: {
      name: 'xtrace_roce_pending_packets',
      help: 'RoCE packets of pairs whose counters show 0 as yet, by version (malformed: no valid RoCE): until every scraper has seen that 0, flows.hold_max_ms at most (flows.new_series). 0 in what is pushed.',
      type: 'gauge',
      labels: PENDING_LABELS,
    },
    samples: ({ pending }) => pending.map(({ row, labels }) => sample(labels, row.packets)),
  },
  {
    definition: {
      name: 'xtrace_roce_pending_bytes',
      help: 'Bytes of these packets, those of malformed ones left out, as no counter of a pair has them.',
      type: 'gauge',
      labels: PENDING_LABELS,
    },
    samples: ({ pending }) =>
      pending
        .filter(({ row }) => row.version !== MALFORMED_VERSION)
        .map(({ row, labels }) => sample(labels, row.bytes)),
  },
  {
    definition: {
      name: 'xtrace_roce_pairs',
      help: 'Pairs of addresses (and queue pairs, where they are told apart) that have series now.',
      type: 'gauge',
      labels: [],
    },
    samples: ({ pairs }) => [sample(NO_LABELS, pairs.pairs.length)],
  },
  {
    definition: {
      name: 'xtrace_roce_pairs_limit',
      help: 'The most pairs that may have series (roce.max_pairs).',
      type: 'gauge',
      labels: [],
    },
    samples: ({ pairs }) => [sample(NO_LABELS, pairs.maxPairs)],
  },
  {
    definition: {
      name: 'xtrace_roce_psn_unbooked_packets_total',
      help: 'Packets out of order that are in no metric of a pair as such, as the kernel map of streams was full (roce.max_streams). As packets they are counted.',
      type: 'counter',
      labels: [],
    },
    samples: ({ pairs }) => [sample(NO_LABELS, pairs.unbookedPackets)],
  },
];

/** What the headers of RoCE packets tell; these metrics exist where roce.enabled is on. */
export const ROCE_METRICS: readonly MetricDefinition[] = [
  ...PAIR_METRICS,
  ...PATH_METRICS,
  ...TABLE_METRICS,
].map(({ definition }) => definition);

/** The view must not change until the promise settles. */
export async function roceFamilies(
  view: RocePairsView,
  options: RoceFamilyOptions,
  parts: RoceFamilyParts,
): Promise<Family[]> {
  const pacer = new Pacer(() => parts.yieldToLoop());
  /** In slices, over whatever has a label set of its own. */
  async function samplesOf<Row>(
    rows: readonly Row[],
    stepNs: number,
    addRow: (row: Row, i: number, samples: Sample[]) => void,
  ): Promise<Sample[]> {
    const samples: Sample[] = [];
    await pacer.run(rows.length, stepNs, (from, to) => {
      for (let i = from; i < to; i++) addRow(rows[i] as Row, i, samples); // i < rows.length
    });
    return samples;
  }

  const ofPairs: Labels[] = [];
  await samplesOf(view.pairs, LABELS_NS, ({ path, queuePair }) => {
    ofPairs.push(pairLabels(path, options, view.perQueuePair ? queuePair : undefined));
  });
  const families: Family[] = [];
  const pending = new PendingRows();
  for (const { definition, group = definition.name, pending: unit, addSamples } of PAIR_METRICS) {
    const ofAll = await samplesOf(view.pairs, PAIR_METRIC_NS, (pair, i, samples) => {
      const labels = ofPairs[i] ?? NO_LABELS;
      addSamples(pair, (extraLabels, value, suffix = '', native = undefined) => {
        const shown = parts.zeros?.show(pair, partName(group, extraLabels), value) ?? value;
        if (unit !== undefined) pending.add(pair.path.interfaceId, extraLabels, unit, value - shown);
        const all = extraLabels.length === 0 ? labels : [...labels, ...extraLabels];
        const { startedMs } = pair;
        if (native === undefined) samples.push({ suffix, labels: all, value: shown, startedMs });
        else {
          const shownNative = shown === value ? native : { ...native, zeroCount: 0, buckets: NO_BUCKETS };
          samples.push({ suffix, labels: all, value: shown, startedMs, native: shownNative });
        }
      });
    });
    families.push({ ...toFamily(definition, ofAll), isOfPairs: true });
  }

  const ofPaths = new Map<number, Labels>();
  for (const { definition, value } of PATH_METRICS) {
    const samples = await samplesOf(view.paths, LABELS_NS, (path, i, list) => {
      const labels = ofPaths.get(i) ?? pairLabels(path, options, undefined);
      ofPaths.set(i, labels);
      list.push(sample(labels, path[value]));
    });
    families.push({ ...toFamily(definition, samples), isOfPairs: true });
  }
  return [...families, ...familiesOf(TABLE_METRICS, tableView(view, pending.rows, options))];
}

/** What counters of pairs have counted and do not show. */
class PendingRows {
  readonly rows: PendingRow[] = [];

  /** extraLabels: of the sample; a version is its first one, or it is the reason of malformed packets. */
  add(interfaceId: number, extraLabels: Labels, unit: 'packets' | 'bytes', count: number): void {
    const [first] = extraLabels;
    if (first === undefined || first === LENGTH_LABEL) return; // those of a wrong length count by version too
    const version = first[0] === 'version' ? first[1] : MALFORMED_VERSION;
    let row = this.rows.find((one) => one.interfaceId === interfaceId && one.version === version);
    if (row === undefined) {
      row = { interfaceId, version, packets: 0, bytes: 0 };
      this.rows.push(row);
    }
    row[unit] += count;
  }
}

function tableView(
  pairs: RocePairsView,
  pendingRows: readonly PendingRow[],
  options: RoceFamilyOptions,
): TableView {
  const pending = pendingRows.map((row) => {
    const labels: Labels = [
      ['interface', options.interfaceName(row.interfaceId)],
      ['direction', DIRECTION],
      ['version', row.version],
      ['host_ip', options.hostIp],
      ['collect_agg', options.collectAgg],
    ];
    return { row, labels };
  });
  const others = pairs.others.map((row) => {
    const labels: Labels = [
      ['interface', options.interfaceName(row.interfaceId)],
      ['direction', DIRECTION],
      VERSION_LABELS[row.version] ?? ['version', String(row.version)],
      ['reason', row.reason],
      ['host_ip', options.hostIp],
      ['collect_agg', options.collectAgg],
    ];
    return { row, labels };
  });
  return { pairs, pending, others };
}
