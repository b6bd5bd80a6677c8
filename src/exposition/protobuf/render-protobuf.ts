// SPDX-License-Identifier: Apache-2.0
// An exposition as PrometheusProto: io.prometheus.client.MetricFamily messages, each with its length before
// it. The one format in which scrapers read since when a counter counts, without series of its own for that.

import type { Family } from '../../metrics/definition.js';
import type { FlowFamilies } from '../../metrics/flow-families.js';
import type { Pacer } from '../../pacer.js';
import type { ChunkList } from '../chunk-list.js';
import type { FamilyHeader } from '../dialect.js';
import { unitOf } from '../openmetrics.js';
import type { FlowTailRenderer } from '../remote-write/flow-tail.js';
import { stringField } from '../remote-write/labels.js';
import { varintBytes, writeVarint } from '../remote-write/wire.js';
import { encodeMetric } from './family-bytes.js';
import { FlowMetrics } from './flow-metrics.js';
import { FAMILY_TAG, METRIC_TYPE } from './metric-bytes.js';

/** Price of a family's sample, nanoseconds. */
const SAMPLE_NS = 4000;
const COPY_NS = 200;

export interface ProtobufOptions {
  /** Wall clock, milliseconds: since when the counters of families count. */
  readonly startedMs: number;
  /** The labels of flows, without external ones. */
  readonly flowLabels: FlowTailRenderer;
}

/**
 * As PrometheusProto has no empty families, those without samples are left out. Resolves with the bytes of
 * what is neither a metric of flows nor of RoCE pairs.
 */
export async function renderProtobuf(
  list: ChunkList,
  { families, flows }: { readonly families: readonly Family[]; readonly flows: FlowFamilies },
  { startedMs, flowLabels }: ProtobufOptions,
  pacer: Pacer,
): Promise<number> {
  let restBytes = 0;
  for (const family of families) {
    const messages: Buffer[] = [];
    let bytes = 0;
    for (let at = 0; at < family.samples.length; ) {
      const { message, next } = encodeMetric(family, at, startedMs);
      messages.push(message);
      bytes += 1 + varintBytes(message.length) + message.length;
      await pacer.spend((next - at) * SAMPLE_NS);
      at = next;
    }
    if (messages.length === 0) continue;
    restBytes += writeHeader(list, family, bytes);
    if (family.isOfPairs !== true) restBytes += bytes;
    for (const message of messages) {
      const room = 1 + varintBytes(message.length) + message.length;
      if (list.end + room > list.current.length) list.startChunk(room);
      list.current[list.end] = FAMILY_TAG.metric;
      const at = writeVarint(list.current, list.end + 1, message.length);
      list.end = at + message.copy(list.current, at);
      if (pacer.note(COPY_NS)) await pacer.turn();
    }
  }
  if (flows.rows.count === 0) return restBytes;
  const metrics = new FlowMetrics(flows.rows, flowLabels);
  await metrics.measure(pacer);
  for (const family of flows.families) {
    restBytes += writeHeader(list, family, await metrics.familyBytes(family, pacer));
    await metrics.write(list, family, pacer);
  }
  return restBytes;
}

/** Length of the message, and all of it but the metrics. Returns its bytes. */
function writeHeader(list: ChunkList, family: FamilyHeader, metricBytes: number): number {
  const unit = unitOf(family);
  const header = Buffer.concat([
    ...stringField(FAMILY_TAG.name, family.name),
    ...stringField(FAMILY_TAG.help, family.help),
    Buffer.from([FAMILY_TAG.type, METRIC_TYPE[family.type]]),
    ...(unit === undefined ? [] : stringField(FAMILY_TAG.unit, unit)),
  ]);
  const length = header.length + metricBytes;
  const room = varintBytes(length) + header.length;
  if (list.end + room > list.current.length) list.startChunk(room);
  const at = writeVarint(list.current, list.end, length);
  list.end = at + header.copy(list.current, at);
  return room;
}
