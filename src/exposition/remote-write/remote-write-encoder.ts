// SPDX-License-Identifier: Apache-2.0
// A snapshot as remote write requests, either version: what is shown goes out as samples, what is no
// longer shown as stale markers. Remembers which series were pushed; the bytes are the batch's.
import type { FlowFamilies } from '../../metrics/flow-families.js';
import { FLOW_KEY_WORDS } from '../../metrics/flow-label-fields.js';
import type { Payload } from '../../push/payload.js';
import type { ExpositionInput } from '../render-exposition.js';
import { FamilySeriesKept } from './family-series-kept.js';
import { FlowLabelsKept } from './flow-labels-kept.js';
import type { FlowTailRenderer } from './flow-tail.js';
import { encodeLabels, type LabelPair, withMetricName } from './labels.js';
import { createMetadata, type MetricHead } from './metric-head.js';
import { NO_LABELS, type SeriesBatch } from './series-batch.js';
import { Turns } from './turns.js';

/** Prices of a step, measured (bench/push.ts). */
const FLOW_SAMPLE_NS = 120;
const FLOW_LABELS_NS = 1000;
const FAMILY_SAMPLE_NS = 4000;

export interface RemoteWriteEncoderOptions {
  readonly maxSamplesPerBatch: number;
  readonly maxBatchBytes: number;
  /** Sorted out: names and values are valid, no name twice. */
  readonly externalLabels: readonly LabelPair[];
  /** Wall clock, milliseconds: since when the counters of families count. */
  readonly startedMs: number;
}

export class RemoteWriteEncoder {
  readonly #options: RemoteWriteEncoderOptions;
  readonly #batch: SeriesBatch;
  readonly #tail: FlowTailRenderer;
  readonly #yieldToLoop: () => Promise<void>;
  readonly #flowLabels: FlowLabelsKept;
  readonly #familySeries: FamilySeriesKept;
  readonly #turns = new Turns();
  /** One for each flow metric, in the order of the snapshot's. */
  #flowHeads: readonly MetricHead[] = [];

  constructor(
    options: RemoteWriteEncoderOptions,
    parts: {
      readonly batch: SeriesBatch;
      readonly tail: FlowTailRenderer;
      readonly yieldToLoop: () => Promise<void>;
    },
  ) {
    this.#options = options;
    this.#batch = parts.batch;
    this.#tail = parts.tail;
    this.#yieldToLoop = parts.yieldToLoop;
    this.#flowLabels = new FlowLabelsKept(parts.tail);
    this.#familySeries = new FamilySeriesKept(options.externalLabels);
  }

  onSeriesEnd(row: number): void {
    this.#flowLabels.end(row);
  }

  async *encode({ families, flows }: ExpositionInput, timestampMs: number): AsyncGenerator<Payload> {
    const batch = this.#batch;
    batch.begin(timestampMs);
    this.#familySeries.beginPush();
    for (const family of families) {
      const metadata = createMetadata(family);
      for (const sample of family.samples) {
        const head = this.#familySeries.keep(family, metadata, sample);
        if (head === undefined) continue;
        if (this.#isFull(head, 0)) yield batch.take();
        batch.add(head, NO_LABELS, 0, 0, sample.value, this.#options.startedMs);
        if (this.#turns.spend(FAMILY_SAMPLE_NS)) await this.#yieldToLoop();
      }
    }
    // Before the markers, so that of a series that ended and began anew there is only the beginning.
    await this.#keepFlowLabels(flows);
    yield* this.#markers();
    yield* this.#flows(flows);
    if (batch.samples > 0) yield batch.take();
  }

  async *staleAll(timestampMs: number): AsyncGenerator<Payload> {
    this.#batch.begin(timestampMs);
    this.#familySeries.beginPush();
    this.#flowLabels.endAll();
    yield* this.#markers();
    if (this.#batch.samples > 0) yield this.#batch.take();
  }

  /** A stale marker for each series that was pushed and is there no more. */
  async *#markers(): AsyncGenerator<Payload> {
    for (const head of this.#familySeries.takeVanished()) {
      if (this.#isFull(head, 0)) yield this.#batch.take();
      this.#batch.addStale(head, NO_LABELS, 0, 0);
      if (this.#turns.spend(FLOW_SAMPLE_NS)) await this.#yieldToLoop();
    }
    for (let labels = this.#flowLabels.takeEnded(); labels; labels = this.#flowLabels.takeEnded()) {
      for (const head of this.#flowHeads) {
        if (this.#isFull(head, labels.length)) yield this.#batch.take();
        this.#batch.addStale(head, labels, 0, labels.length);
      }
      if (this.#turns.spend(FLOW_LABELS_NS)) await this.#yieldToLoop();
    }
  }

  async #keepFlowLabels({ rows, families }: FlowFamilies): Promise<void> {
    this.#flowHeads = families.map((family, index) => this.#flowHeads[index] ?? this.#flowHead(family));
    for (let i = 0; i < rows.count; i++) {
      const row = rows.slots[i] ?? 0;
      if (this.#flowLabels.has(row)) continue;
      this.#flowLabels.keep(row, rows.keys, row * FLOW_KEY_WORDS);
      if (this.#turns.spend(FLOW_LABELS_NS)) await this.#yieldToLoop();
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
      const to = Math.min(seriesCount, from + this.#turns.stepsLeft(FLOW_SAMPLE_NS));
      const next = this.#addFlowSeries(flows, from, to);
      if (next < to) yield this.#batch.take();
      if (this.#turns.spend((next - from) * FLOW_SAMPLE_NS)) await this.#yieldToLoop();
      from = next;
    }
  }

  /**
   * Adds series `from` to `to - 1`, counted flow by flow, until the batch is full; returns the one to
   * go on with.
   */
  #addFlowSeries({ rows, families }: FlowFamilies, from: number, to: number): number {
    const kept = this.#flowLabels;
    const heads = this.#flowHeads;
    const metrics = heads.length;
    for (let series = from; series < to; ) {
      const row = rows.slots[Math.floor(series / metrics)] ?? 0;
      const page = kept.page(row);
      const start = kept.start(row);
      const length = kept.length(row);
      const startedMs = rows.startedMs[row] ?? 0;
      for (let metric = series % metrics; metric < metrics && series < to; metric++, series++) {
        const head = heads[metric] as MetricHead; // metric < heads.length
        if (this.#isFull(head, length)) return series;
        const value = families[metric]?.values[row] ?? 0;
        this.#batch.add(head, page, start, start + length, value, startedMs);
      }
    }
    return to;
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
