// SPDX-License-Identifier: Apache-2.0
// A snapshot as remote write requests, either version: what is shown goes out as samples, what is no
// longer shown as stale markers. Remembers which series were pushed; the bytes are the batch's.

import { FLOW_ROW_WORDS } from '../../abi/records.js';
import type { FlowFamilies } from '../../metrics/flow-families.js';
import { Pacer } from '../../pacer.js';
import type { Payload } from '../payload.js';
import { type ZeroOptions, zeroTimestamp } from '../push-zeros.js';
import type { ExpositionInput } from '../render-exposition.js';
import { FamilyLabelCache } from './family-label-cache.js';
import { FlowLabelCache } from './flow-label-cache.js';
import type { FlowTailRenderer } from './flow-tail.js';
import { encodeLabels, type LabelPair, withMetricName } from './labels.js';
import { createMetadata, type MetricHead } from './metric-head.js';
import { NO_LABELS, type SeriesBatch } from './series-batch.js';

/** Prices of a step, measured (bench/push.ts); cold code takes 15 times as long: a turn of 5 ms, once. */
const FLOW_SAMPLE_NS = 300;
const FLOW_LABELS_NS = 1000;
const FAMILY_SAMPLE_NS = 4000;

export interface RemoteWriteEncoderOptions extends ZeroOptions {
  readonly maxSamplesPerBatch: number;
  readonly maxBatchBytes: number;
  /** Sorted out: names and values are valid, no name twice. */
  readonly externalLabels: readonly LabelPair[];
}

export class RemoteWriteEncoder {
  readonly #options: RemoteWriteEncoderOptions;
  readonly #batch: SeriesBatch;
  readonly #tail: FlowTailRenderer;
  readonly #pacer: Pacer;
  readonly #flowLabels: FlowLabelCache;
  readonly #familySeries: FamilyLabelCache;
  /** One for each flow metric, in the order of the snapshot's. */
  #flowHeads: readonly MetricHead[] = [];
  /** Since the last push the labels of flows have changed. */
  /** What the families show, and its values; which of it is shown for the first time. */
  readonly #heads: MetricHead[] = [];
  readonly #headValues: number[] = [];
  readonly #headStartsMs: number[] = [];
  readonly #newHeads: MetricHead[] = [];
  /** Rows of flows that are shown for the first time. */
  readonly #newRows: number[] = [];
  /** Timestamp of the former push. */
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Of one flow, likewise. */
  #values = new Float64Array(0);

  constructor(
    options: RemoteWriteEncoderOptions,
    parts: {
      readonly batch: SeriesBatch;
      readonly tail: FlowTailRenderer;
      yieldToLoop(): Promise<void>;
    },
  ) {
    this.#options = options;
    this.#batch = parts.batch;
    this.#tail = parts.tail;
    this.#pacer = new Pacer(parts.yieldToLoop);
    this.#flowLabels = new FlowLabelCache(parts.tail);
    this.#familySeries = new FamilyLabelCache(options.externalLabels);
  }

  onSeriesEnd(row: number): void {
    this.#flowLabels.end(row);
  }

  async *encode({ families, flows }: ExpositionInput, timestampMs: number): AsyncGenerator<Payload> {
    const batch = this.#batch;
    await this.#keepFamilies(families);
    await this.#keepFlowLabels(flows);
    const zeroMs = zeroTimestamp(this.#options, this.#lastMs, timestampMs);
    this.#lastMs = timestampMs;
    if (zeroMs !== undefined) yield* this.#zeros(zeroMs, this.#newRows);
    batch.begin(timestampMs);
    for (const [i, head] of this.#heads.entries()) {
      if (this.#isFull(head, 0)) yield batch.take();
      batch.add(head, NO_LABELS, this.#headValues[i] ?? 0, this.#headStartsMs[i] ?? 0);
      if (this.#pacer.note(FLOW_SAMPLE_NS)) await this.#pacer.turn();
    }
    yield* this.#familyMarkers();
    yield* this.#flowMarkers(this.#flowLabels.takeEnded());
    yield* this.#flows(flows);
    if (batch.samples > 0) yield batch.take();
  }

  async goOn({ families, flows }: ExpositionInput): Promise<void> {
    await this.#keepFamilies(families);
    await this.#keepFlowLabels(flows);
  }

  /** What the families show now, to #heads and #headValues; what of it is new, to #newHeads. */
  async #keepFamilies(families: ExpositionInput['families']): Promise<void> {
    this.#familySeries.beginPush();
    this.#heads.length = 0;
    this.#headValues.length = 0;
    this.#headStartsMs.length = 0;
    this.#newHeads.length = 0;
    for (const family of families) {
      const metadata = createMetadata(family);
      for (const sample of family.samples) {
        const kept = this.#familySeries.keep(family, metadata, sample);
        if (kept === undefined) continue;
        this.#heads.push(kept.head);
        this.#headValues.push(sample.value);
        this.#headStartsMs.push(sample.startedMs ?? this.#options.startedMs);
        if (kept.isNew && metadata.countsFromStart) this.#newHeads.push(kept.head);
        if (this.#pacer.note(FAMILY_SAMPLE_NS)) await this.#pacer.turn();
      }
    }
  }

  /** Whoever subtracts needs a 0 before the first value of a counter: payloads of their own, as of zeroMs. */
  async *#zeros(zeroMs: number, newRows: readonly number[]): AsyncGenerator<Payload> {
    const batch = this.#batch;
    batch.begin(zeroMs);
    for (const head of this.#newHeads) {
      if (this.#isFull(head, 0)) yield batch.take();
      batch.add(head, NO_LABELS, 0, 0);
      if (this.#pacer.note(FLOW_SAMPLE_NS)) await this.#pacer.turn();
    }
    const counters = this.#flowHeads.filter(({ metadata }) => metadata.countsFromStart);
    for (const row of newRows) {
      const labels = this.#flowLabels.labels(row);
      if (labels === undefined) continue;
      for (const head of counters) {
        if (this.#isFull(head, labels.length)) yield batch.take();
        batch.add(head, labels, 0, 0);
      }
      if (this.#pacer.note(counters.length * FLOW_SAMPLE_NS)) await this.#pacer.turn();
    }
    if (batch.samples > 0) yield batch.take();
  }

  async *staleAll(timestampMs: number): AsyncGenerator<Payload> {
    this.#batch.begin(timestampMs);
    this.#familySeries.beginPush();
    yield* this.#familyMarkers();
    yield* this.#flowMarkers(this.#flowLabels.takeEnded());
    yield* this.#flowMarkers(this.#flowLabels.takeLive());
    if (this.#batch.samples > 0) yield this.#batch.take();
  }

  async *#familyMarkers(): AsyncGenerator<Payload> {
    for (const head of this.#familySeries.takeVanished()) {
      if (this.#isFull(head, 0)) yield this.#batch.take();
      this.#batch.addStale(head, NO_LABELS);
      if (this.#pacer.note(FLOW_SAMPLE_NS)) await this.#pacer.turn();
    }
  }

  async *#flowMarkers(ended: Iterable<Buffer>): AsyncGenerator<Payload> {
    for (const labels of ended) {
      for (const head of this.#flowHeads) {
        if (this.#isFull(head, labels.length)) yield this.#batch.take();
        this.#batch.addStale(head, labels);
      }
      if (this.#pacer.note(FLOW_LABELS_NS)) await this.#pacer.turn();
    }
  }

  /** Renders what is new, and drops the ends of what has begun anew. */
  async #keepFlowLabels({ rows, families }: FlowFamilies): Promise<void> {
    // The flow metrics are the same at every push.
    if (this.#flowHeads.length !== families.length) {
      this.#flowHeads = families.map((family) => this.#flowHead(family));
      this.#values = new Float64Array(families.length);
    }
    this.#newRows.length = 0;
    for (let i = 0; i < rows.count; i++) {
      const row = rows.inUse[i] ?? 0;
      if (this.#flowLabels.labels(row) !== undefined) continue;
      this.#newRows.push(row);
      this.#flowLabels.keep(row, rows.keys, row * FLOW_ROW_WORDS);
      if (this.#pacer.note(FLOW_LABELS_NS)) await this.#pacer.turn();
    }
    const { endedCount } = this.#flowLabels;
    for (let from = 0; from < endedCount; ) {
      const to = Math.min(endedCount, from + this.#pacer.stepsLeft(FLOW_LABELS_NS));
      this.#flowLabels.forgetBegunAnew(from, to);
      if (this.#pacer.note((to - from) * FLOW_LABELS_NS)) await this.#pacer.turn();
      from = to;
    }
  }

  #flowHead(family: FlowFamilies['families'][number]): MetricHead {
    const labels = encodeLabels(withMetricName(this.#tail.before, family.name));
    return { labels, metadata: createMetadata(family) };
  }

  /** The series of a flow one after the other: their labels repeat, which compresses well. */
  async *#flows(flows: FlowFamilies): AsyncGenerator<Payload> {
    const seriesCount = flows.rows.count * flows.families.length;
    for (let from = 0; from < seriesCount; ) {
      const to = Math.min(seriesCount, from + this.#pacer.stepsLeft(FLOW_SAMPLE_NS));
      const next = this.#addFlowSeries(flows, from, to);
      if (next < to) yield this.#batch.take();
      if (this.#pacer.note((next - from) * FLOW_SAMPLE_NS)) await this.#pacer.turn();
      from = next;
    }
  }

  /**
   * Adds series `from` to `to - 1`, counted flow by flow, until the batch is full; returns the one to
   * go on with. Flows are not cut in two at `to`.
   */
  #addFlowSeries({ rows, families }: FlowFamilies, from: number, to: number): number {
    const batch = this.#batch;
    const heads = this.#flowHeads;
    const values = this.#values;
    const metrics = heads.length;
    const { maxSamplesPerBatch, maxBatchBytes } = this.#options;
    /** What the series of a flow add at most, and for how many label bytes that is so. */
    let mostBytes = 0;
    let measuredBytes = -1;
    let series = from;
    while (series < to) {
      const row = rows.inUse[Math.floor(series / metrics)] ?? 0;
      const labels = this.#flowLabels.labels(row);
      const first = series % metrics;
      if (labels === undefined) {
        series += metrics - first; // ended meanwhile, against the promise of encode()
        continue;
      }
      const startedMs = rows.startedMs[row] ?? 0;
      for (let metric = 0; metric < metrics; metric++) values[metric] = families[metric]?.values[row] ?? 0;
      if (labels.length !== measuredBytes) {
        measuredBytes = labels.length;
        mostBytes = heads.reduce((sum, head) => sum + batch.mostBytes(head, measuredBytes), 0);
      }
      if (
        first === 0 &&
        batch.samples + metrics <= maxSamplesPerBatch &&
        batch.bytes + mostBytes <= maxBatchBytes
      ) {
        batch.addAll(heads, labels, values, startedMs);
        series += metrics;
        continue;
      }
      for (let metric = first; metric < metrics; metric++, series++) {
        const head = heads[metric] as MetricHead; // metric < heads.length
        if (this.#isFull(head, labels.length)) return series;
        batch.add(head, labels, values[metric] ?? 0, startedMs);
      }
    }
    return series;
  }

  /** Whether the batch cannot take one more such series. A first one always fits, however large. */
  #isFull(head: MetricHead, restBytes: number): boolean {
    const { samples } = this.#batch;
    if (samples === 0) return false;
    const { maxSamplesPerBatch, maxBatchBytes } = this.#options;
    return (
      samples >= maxSamplesPerBatch ||
      this.#batch.bytes + this.#batch.mostBytes(head, restBytes) > maxBatchBytes
    );
  }
}
