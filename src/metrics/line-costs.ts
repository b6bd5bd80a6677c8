// SPDX-License-Identifier: Apache-2.0
// How many lines of an exposition a flow, a RoCE pair and a path have, and how many bytes, at their widest:
// read off the definitions and their samples. Upper bounds for both text formats, and for protobuf.

import { ROCE_CELL, ROCE_CELLS, ROCE_MALFORMED, ROCE_TRANSPORT } from '../abi/roce-records.js';
import type { LineCost } from '../flows/exposition-budget.js';
import type { PairCosts } from '../roce/pair-room.js';
import { noPsnCounts } from '../roce/roce-pair.js';
import type { RocePairView, RocePathView } from '../roce/views.js';
import type { Label, Labels } from './definition.js';
import { FLOW_METRICS } from './flow-families.js';
import { escapeLabelValue } from './label-value.js';
import { PATH_METRICS } from './roce-families.js';
import { pairLabels, type RoceLabelOptions } from './roce-labels.js';
import { PAIR_METRICS } from './roce-pair-metrics.js';

/** 2^53 has 16 digits. */
const COUNT_BYTES = 16;
/** Of pairs; delays in hundred-thousandths of a second have up to 17 digits and a point. */
const VALUE_BYTES = 18;
/** The longest double of a share. */
const SHARE_BYTES = 24;
/** Unix time with milliseconds, until the year 2286. */
const CREATED_TIME_BYTES = 14;
/**
 * Of a metric in protobuf: its own frame (4), that of its value (2), the value (9), when it began (2 + 12).
 * Text has one comma less than labels (1), and the lengths of a long collect_agg take more (3).
 */
const MESSAGE_BYTES = { counter: 33, gauge: 19 } as const;
/** A label has three lengths with their tags, for =, two quotes and a comma of text. */
const MESSAGE_LABEL_BYTES = 2;
/** Braces, the space before a value, the line feed. */
const AROUND_BYTES = 4;

export interface LineCostOptions {
  /** Whether OpenMetrics tells of each counter since when it counts. */
  readonly openmetricsCreated: boolean;
}

export interface FlowLineCostOptions extends LineCostOptions {
  readonly gauges: boolean;
  /** How many labels a flow has. */
  readonly labelCount: number;
}

/** Of a flow, beside its labels as text. */
export function flowLineCost(options: FlowLineCostOptions): LineCost {
  const cost = { lines: 0, bytes: 0 };
  let messageBytes = 0;
  for (const { name, type } of Object.values(FLOW_METRICS)) {
    if (type === 'gauge' && !options.gauges) continue;
    addLine(cost, name, COUNT_BYTES);
    if (type === 'counter' && options.openmetricsCreated) addCreatedLine(cost, name);
    messageBytes += MESSAGE_BYTES[type] + MESSAGE_LABEL_BYTES * options.labelCount;
  }
  // A message has no name, but frames its labels: many of them are more than a line of text.
  return { ...cost, bytes: Math.max(cost.bytes, messageBytes) };
}

/** Of pairs and paths, beside their labels. */
export function pairLineCosts(options: LineCostOptions): PairCosts {
  const path = { lines: 0, bytes: 0 };
  for (const { definition } of PATH_METRICS) addLine(path, definition.name, SHARE_BYTES);
  const pair = costOf(EMPTY_PAIR, options);
  const beyondPair = (change: Partial<RocePairView>): LineCost => {
    const { lines, bytes } = costOf({ ...EMPTY_PAIR, ...change }, options);
    return { lines: lines - pair.lines, bytes: bytes - pair.bytes };
  };
  // Each with the longest values that its labels have.
  return {
    path,
    pair,
    traffic: beyondPair({ traffic: [LONGEST_TRAFFIC] }),
    psn: beyondPair({ psn: new Map([[ROCE_TRANSPORT.xrc, noPsnCounts()]]) }),
    partition: beyondPair({ partitions: new Map([[0x1234, 1]]) }),
    malformed: beyondPair({ malformed: new Map([[ROCE_MALFORMED.version, 1]]) }),
    operation: beyondPair({ cells: cellsWith(ROCE_CELL.compareSwaps) }),
    sizedOperation: beyondPair({ cells: cellsWith(ROCE_CELL.writes) }),
  };
}

type Sum = { -readonly [Field in keyof LineCost]: LineCost[Field] };

/** One packet of one kind is enough to see which lines it has. */
function cellsWith(...cells: readonly number[]): Float64Array {
  const all = new Float64Array(ROCE_CELLS);
  for (const cell of cells) all[cell] = 1;
  return all;
}

const LONGEST_TRAFFIC = {
  version: 2,
  transport: ROCE_TRANSPORT.vendor,
  dscp: 63,
  packets: 1,
  bytes: 1,
  payloadBytes: 1,
};

const EMPTY_PAIR: RocePairView = {
  path: {
    interfaceId: 0,
    addresses: new Uint32Array(8),
    queuePairs: 0,
    sourcePorts: 0,
    sourcePortImbalance: 0,
    busiestPortShare: 0,
    busiestShare: 0,
  },
  queuePair: 0,
  startedMs: 0,
  cells: cellsWith(),
  traffic: [],
  psn: new Map(),
  malformed: new Map(),
  malformedPackets: 0,
  malformedBytes: 0,
  partitions: new Map(),
  cnpPackets: 0,
  cmMessages: 0,
  fecnPackets: 0,
  becnPackets: 0,
};

function costOf(pair: RocePairView, { openmetricsCreated }: LineCostOptions): LineCost {
  const cost = { lines: 0, bytes: 0 };
  for (const { definition, addSamples } of PAIR_METRICS) {
    addSamples(pair, (extraLabels, _value, suffix = '') => {
      addLine(cost, definition.name + suffix, VALUE_BYTES, extraLabels);
      const isLast = suffix === '' || suffix === '_count';
      if (openmetricsCreated && isLast) addCreatedLine(cost, definition.name, extraLabels);
    });
  }
  return cost;
}

function addLine(sum: Sum, name: string, valueBytes: number, extraLabels: Labels = []): void {
  sum.lines++;
  sum.bytes += name.length + AROUND_BYTES + valueBytes;
  for (const label of extraLabels) sum.bytes += labelBytes(label);
}

/** _created stands in the place of _total, where there is one. */
function addCreatedLine(sum: Sum, name: string, extraLabels: Labels = []): void {
  addLine(sum, name.replace(/(_total)?$/, '_created'), CREATED_TIME_BYTES, extraLabels);
}

/** Equals sign, two quotes, and a comma. */
function labelBytes([name, value]: Label): number {
  return name.length + 4 + Buffer.byteLength(escapeLabelValue(value));
}

/** Labels that all lines of a pair or path have, without the value of host_ip: as much as is the same at any time. */
export function pairLabelBytes(
  path: RocePathView,
  options: Omit<RoceLabelOptions, 'hostIp'>,
  queuePair: number | undefined,
): number {
  const names = { interfaceName: (id: number) => options.interfaceName(id), collectAgg: options.collectAgg };
  const labels = pairLabels(path, { ...names, hostIp: '' }, queuePair);
  return labels.reduce((sum, label) => sum + labelBytes(label), -1);
}
