// SPDX-License-Identifier: Apache-2.0
// Series views for tests: from a few flows written down, or many that are counted through.

import { KIND } from '../../../src/abi/kinds.js';
import { FLOW_ROW, FLOW_ROW_BYTES, FLOW_ROW_WORDS } from '../../../src/abi/records.js';
import type { SeriesView } from '../../../src/flows/views.js';
import { createFlowLabelRenderer, type FlowLabelRenderer } from '../../../src/metrics/flow-labels.js';

export interface FlowSpec {
  readonly ipVersion: 4 | 6;
  /** 4 or 16 bytes. */
  readonly src: readonly number[];
  readonly dst: readonly number[];
  readonly srcPort: number;
  readonly dstPort: number;
  readonly interfaceId: number;
  readonly protocol: number;
  readonly kind: number;
  readonly vlan: number;
  /** RoCE destination queue pair; none unless told. */
  readonly queuePair?: number;
  readonly dscp?: number;
  readonly srcNetwork?: number;
  readonly dstNetwork?: number;
  /** total packets, total bytes, packets and bytes of the last interval. */
  readonly counts: readonly [number, number, number, number];
}

export function encodeRow(spec: FlowSpec): Uint32Array {
  const bytes = new Uint8Array(FLOW_ROW_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(spec.src, FLOW_ROW.srcIp);
  bytes.set(spec.dst, FLOW_ROW.dstIp);
  view.setUint16(FLOW_ROW.srcPort, spec.srcPort, true);
  view.setUint16(FLOW_ROW.dstPort, spec.dstPort, true);
  view.setUint32(FLOW_ROW.interfaceId, spec.interfaceId, true);
  bytes[FLOW_ROW.protocol] = spec.protocol;
  bytes[FLOW_ROW.kind] = spec.kind;
  view.setUint16(FLOW_ROW.vlan, spec.vlan, true);
  view.setUint32(FLOW_ROW.qp, spec.queuePair ?? 0, true);
  bytes[FLOW_ROW.dscp] = spec.dscp ?? 0; // the upper byte of the queue pair's word
  bytes[FLOW_ROW.ipVersion] = spec.ipVersion; // the upper byte of the interface's
  view.setUint16(FLOW_ROW.srcNetwork, spec.srcNetwork ?? 0, true);
  view.setUint16(FLOW_ROW.dstNetwork, spec.dstNetwork ?? 0, true);
  return new Uint32Array(bytes.buffer);
}

/** Rows lie apart and out of order, as in a table that flows have left. */
export function createSeries(specs: readonly FlowSpec[], labels: FlowLabelRenderer): SeriesView {
  const capacity = specs.length * 2 + 3;
  const columns = {
    totalPackets: new Float64Array(capacity),
    totalBytes: new Float64Array(capacity),
    intervalPackets: new Float64Array(capacity),
    intervalBytes: new Float64Array(capacity),
    startedMs: new Float64Array(capacity),
  };
  const keys = new Uint32Array(capacity * FLOW_ROW_WORDS);
  const labelBytes = new Uint8Array(capacity * labels.maxLabelBytes);
  const labelOffset = new Uint32Array(capacity);
  const labelLength = new Uint32Array(capacity);
  const inUse = new Uint32Array(capacity);
  let labelEnd = 7;
  specs.forEach((spec, index) => {
    const series = capacity - 2 - index * 2;
    inUse[index] = series;
    keys.set(encodeRow(spec), series * FLOW_ROW_WORDS);
    const [packets, bytes, intervalPackets, intervalBytes] = spec.counts;
    columns.totalPackets[series] = packets;
    columns.totalBytes[series] = bytes;
    columns.intervalPackets[series] = intervalPackets;
    columns.intervalBytes[series] = intervalBytes;
    const length = labels.render(keys, series * FLOW_ROW_WORDS, labelBytes, labelEnd);
    labelOffset[series] = labelEnd;
    labelLength[series] = length;
    labelEnd += length;
  });
  const { totalPackets: shownPackets, totalBytes: shownBytes } = columns;
  return {
    count: specs.length,
    inUse,
    ...columns,
    shownPackets,
    shownBytes,
    keys,
    labelBytes,
    labelOffset,
    labelLength,
  };
}

export const FIXED_LABELS = {
  interfaceName: (id: number): string => ['eth0', 'ib0'][id] ?? `if${id}`,
  hostIp: '192.168.1.10',
  collectAgg: 'rack "7"\\a',
  vlan: false,
  queuePair: false,
} as const;

/** count TCP flows that differ in their source address. */
export function createManySeries(count: number): SeriesView {
  const specs = Array.from(
    { length: count },
    (_, i): FlowSpec => ({
      ...FIXED_FLOWS[0],
      src: [10, (i >>> 16) & 255, (i >>> 8) & 255, i & 255],
      counts: [i, i * 1000, 1, 1000],
    }),
  );
  return createSeries(specs, createFlowLabelRenderer(FIXED_LABELS));
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export const FIXED_FLOWS: readonly [FlowSpec, ...FlowSpec[]] = [
  {
    ipVersion: 4,
    src: [192, 168, 1, 30],
    dst: [192, 168, 1, 40],
    srcPort: 443,
    dstPort: 50234,
    interfaceId: 0,
    protocol: 6,
    kind: KIND.tcp,
    vlan: 100,
    counts: [100, 65536, 3, 180],
  },
  {
    ipVersion: 4,
    src: [192, 168, 0, 84],
    dst: [192, 168, 0, 85],
    srcPort: 4791,
    dstPort: 4791,
    interfaceId: 0,
    protocol: 254,
    kind: KIND.roceV2,
    vlan: 0,
    counts: [Number.MAX_SAFE_INTEGER, 9_000_000_001_000_000, 0, 0],
  },
  {
    ipVersion: 6,
    src: [...MAPPED, 10, 0, 0, 1],
    dst: [...MAPPED, 10, 0, 0, 2],
    srcPort: 0,
    dstPort: 0,
    interfaceId: 0,
    protocol: 21,
    kind: KIND.roceV1,
    vlan: 0,
    counts: [2500, 3_072_000, 2500, 3_072_000],
  },
  {
    ipVersion: 6,
    src: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    dst: [...MAPPED, 10, 0, 0, 2],
    srcPort: 53,
    dstPort: 65535,
    interfaceId: 1,
    protocol: 17,
    kind: KIND.udp,
    vlan: 4094,
    counts: [1, 1_000_000_000, 1, 999_999_999],
  },
];
