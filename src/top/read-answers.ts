// SPDX-License-Identifier: Apache-2.0
// The exporter's answers as JSON -> what is shown of them. Keys that it does not know are left alone, those
// that are missing stand for nothing: docs/api.md may grow.

import type {
  FlowRate,
  InterfaceRate,
  Overview,
  PairRate,
  RateWindow,
  RowHistory,
  TopFlows,
  TopPairs,
  TrafficRow,
} from './answers.js';
import { JsonFields } from './json-fields.js';

const ROWS_MAX = 1000;
const INTERFACES_MAX = 1000;
const FINDINGS_MAX = 100;
const POINTS_MAX = 1000;
const FEW_MAX = 20;

export function readOverview(value: unknown): Overview {
  const answer = new JsonFields(value);
  const verdict = answer.object('verdict');
  const level = verdict.text('level');
  return {
    refresh: answer.number('refresh'),
    atMs: answer.number('at_ms'),
    version: answer.text('version'),
    hostIp: answer.text('host_ip'),
    collectAgg: answer.text('collect_agg'),
    intervalMs: answer.object('exporter').number('interval_ms'),
    verdict: {
      level: level === 'ok' || level === 'warning' ? level : 'problem',
      sentence: verdict.text('sentence'),
      findings: verdict
        .objects('findings', FINDINGS_MAX)
        .map((finding) => ({ level: finding.text('level'), sentence: finding.text('sentence') })),
    },
    interfaces: answer.objects('interfaces', INTERFACES_MAX).map(readInterface),
    empty: answer.textOrNone('empty'),
    series: {
      count: answer.object('series').number('count'),
      limit: answer.object('series').number('limit'),
      flows: answer.object('series').number('flows'),
    },
    pairs: { count: answer.object('pairs').number('count'), limit: answer.object('pairs').number('limit') },
  };
}

function readInterface(fields: JsonFields): InterfaceRate {
  return {
    name: fields.text('name'),
    rawName: fields.rawText('name'),
    isAttached: fields.isTrue('attached'),
    mode: fields.text('mode'),
    note: fields.text('note'),
    packetsPerSecond: fields.number('packets_per_second'),
    totalBytes: fields.number('total_bytes'),
    windows: readWindows(fields, 'bits_per_second'),
    types: fields.objects('types', FEW_MAX).map((type) => ({
      trafficType: type.text('traffic_type'),
      bitsPerSecond: type.number('bits_per_second'),
    })),
  };
}

function readWindows(fields: JsonFields, rate: string): RateWindow[] {
  return fields.objects('windows', FEW_MAX).map((window) => ({
    askedSeconds: window.number('asked_seconds'),
    seconds: window.number('seconds'),
    bitsPerSecond: window.number(rate),
  }));
}

export function readTopFlows(value: unknown): TopFlows {
  const answer = new JsonFields(value);
  return { ...readRows(answer, 'flows', readFlow) };
}

export function readTopPairs(value: unknown): TopPairs {
  const answer = new JsonFields(value);
  return { ...readRows(answer, 'pairs', readPair) };
}

function readRows<Row extends TrafficRow>(
  answer: JsonFields,
  key: 'flows' | 'pairs',
  readRow: (fields: JsonFields) => Row,
) {
  const rows = answer.objects(key, ROWS_MAX).map(readRow);
  return {
    refresh: answer.number('refresh'),
    rows,
    allCount: answer.object('all').number(key),
    empty: answer.textOrNone('empty'),
    hasRates: rows.length === 0 || rows.some(({ windows }) => windows.length > 0),
  };
}

function readFlow(fields: JsonFields): FlowRate {
  const labels = fields.object('labels');
  return {
    ...readTraffic(fields, 'bits_per_second'),
    source: endpointText(labels, 'src'),
    destination: endpointText(labels, 'dst'),
    interfaceName: labels.text('interface'),
    trafficType: labels.text('traffic_type'),
    labels: labels.texts(),
  };
}

/** Of an address, a port and a network those that `flows.labels` shows; `*` where it shows none. */
function endpointText(labels: JsonFields, end: 'src' | 'dst'): string {
  const address = labels.textOrNone(`${end}_ip`) ?? labels.textOrNone(`${end}_network`) ?? '*';
  const port = labels.textOrNone(`${end}_port`);
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function readPair(fields: JsonFields): PairRate {
  return {
    ...readTraffic(fields, 'payload_bits_per_second'),
    source: fields.text('src_ip'),
    destination: fields.text('dst_ip'),
    interfaceName: fields.text('interface'),
    ceShare: fields.numberOrNone('ce_share'),
    cnpPerSecond: fields.numberOrNone('cnp_per_second'),
    naks: fields.numberOrNone('naks'),
    rnrNaks: fields.numberOrNone('rnr_naks'),
    psnGaps: fields.numberOrNone('psn_gaps'),
    retransmitted: fields.numberOrNone('retransmitted'),
    queuePairs: fields.numberOrNone('queue_pairs'),
    sourcePorts: fields.numberOrNone('source_ports'),
    trouble: fields.objects('trouble', FEW_MAX).map((one) => one.text('sentence')),
    numbers: fields.numbers().filter(([name]) => name.startsWith('total_')),
  };
}

function readTraffic(
  fields: JsonFields,
  rate: string,
): Omit<TrafficRow, 'source' | 'destination' | 'interfaceName'> {
  return {
    id: fields.rawText('id'),
    beganMs: fields.numberOrNone('began_ms'),
    windows: readWindows(fields, rate),
    bitsPerSecond: fields.numberOrNone(rate),
    packetsPerSecond: fields.numberOrNone('packets_per_second'),
    totalBytes: fields.number('total_bytes'),
    totalPackets: fields.number('total_packets'),
  };
}

/** rate: its column of the answer. */
export function readRowHistory(value: unknown, id: string, rate: string): RowHistory {
  const answer = new JsonFields(value);
  const [series] = answer.objects('series', 1);
  const seconds = answer
    .list('seconds_each', POINTS_MAX)
    .reduce<number>((sum, one) => sum + numberOf(one), 0);
  return {
    id,
    bitsPerSecond: (series?.list(rate, POINTS_MAX) ?? []).map((one) =>
      typeof one === 'number' && Number.isFinite(one) ? one : undefined,
    ),
    seconds,
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
