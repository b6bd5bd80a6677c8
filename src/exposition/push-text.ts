// SPDX-License-Identifier: Apache-2.0
// A snapshot as text for /api/v1/import/prometheus: the lines of /metrics with external labels and a
// timestamp each, without headers. It has no stale markers: the receiver drops NaN.

import type { FlowFamilies } from '../metrics/flow-families.js';
import { Pacer } from '../pacer.js';
import { BegunSeries } from './begun-series.js';
import { ChunkList } from './chunk-list.js';
import { ChunkPool } from './chunk-pool.js';
import { renderLabelPairs, renderSample } from './family-text.js';
import { flowLineBytes, flowLineFrame, writeFlowLines } from './flow-series.js';
import type { Payload } from './payload.js';
import { type ZeroOptions, zeroTimestamp } from './push-zeros.js';
import { joinLabels, type LabelPair } from './remote-write/labels.js';
import type { ExpositionInput } from './render-exposition.js';

/** A payload has no more bytes than this, unless a single line has: rendering one takes 0.6 ms. */
const MAX_PAYLOAD_BYTES = 512 * 1024;

/** Price of a family's sample, nanoseconds. */
const FAMILY_SAMPLE_NS = 2000;

export interface PushTextOptions extends ZeroOptions {
  readonly maxSamplesPerBatch: number;
  readonly maxBatchBytes: number;
  /** Valid, no name twice. */
  readonly externalLabels: readonly LabelPair[];
  /** Names among the rendered labels of a flow, which win over external ones; never job and instance. */
  readonly flowLabelNames: readonly string[];
}

export class PushTextEncoder {
  readonly #options: PushTextOptions;
  readonly #pacer: Pacer;
  readonly #begun: BegunSeries;
  /** Timestamp of the former push. */
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(options: PushTextOptions, parts: { yieldToLoop(): Promise<void> }) {
    this.#options = options;
    this.#pacer = new Pacer(parts.yieldToLoop);
    this.#begun = new BegunSeries(this.#pacer);
  }

  async *encode({ families, flows }: ExpositionInput, timestampMs: number): AsyncGenerator<Payload> {
    const zeroMs = zeroTimestamp(this.#options, this.#lastMs, timestampMs);
    this.#lastMs = timestampMs;
    if (this.#options.zeroFirst) {
      const begun = { families: await this.#begun.families(families), flows: await this.#begun.flows(flows) };
      if (zeroMs !== undefined) yield* this.#lines(begun, zeroMs);
    }
    yield* this.#lines({ families, flows }, timestampMs);
  }

  async goOn({ families, flows }: ExpositionInput): Promise<void> {
    await this.#begun.families(families);
    await this.#begun.flows(flows);
  }

  async *#lines({ families, flows }: ExpositionInput, timestampMs: number): AsyncGenerator<Payload> {
    const lines = new TextBatch(this.#options, timestampMs);
    const lineEnd = ` ${timestampMs}\n`;
    for (const family of families) {
      for (const sample of family.samples) {
        const labels = joinLabels(sample.labels, this.#options.externalLabels);
        const text = renderSample(family.name, { ...sample, labels }, lineEnd);
        if (!lines.hasRoom(Buffer.byteLength(text))) {
          yield lines.take();
          await this.#pacer.turn();
        }
        lines.writeLine(text);
        if (this.#pacer.note(FAMILY_SAMPLE_NS)) await this.#pacer.turn();
      }
    }
    yield* this.#flows(lines, flows, lineEnd);
    if (lines.samples > 0) yield lines.take();
  }

  async *staleAll(): AsyncGenerator<Payload> {
    // Nothing can be said in this format.
  }

  onSeriesEnd(row: number): void {
    this.#begun.endFlow(row);
  }

  async *#flows(
    lines: TextBatch,
    { rows, families }: FlowFamilies,
    lineEnd: string,
  ): AsyncGenerator<Payload> {
    const { externalLabels, flowLabelNames } = this.#options;
    const external = renderLabelPairs(externalLabels.filter(([name]) => !flowLabelNames.includes(name)));
    const extraLabels = external === '' ? '' : `,${external}`;
    for (const family of families) {
      const frame = flowLineFrame(family, extraLabels, lineEnd);
      for (let row = 0; row < rows.count; ) {
        if (!lines.hasRoom(flowLineBytes(frame, rows, row))) {
          yield lines.take();
          await this.#pacer.turn();
        }
        row =
          lines.write(flowLineBytes(frame, rows, row), (list, samplesLeft) => {
            const to = Math.min(rows.count, row + samplesLeft);
            return writeFlowLines(list, family, rows, frame, row, to) - row;
          }) + row;
      }
    }
  }
}

/** Lines of one payload, in one chunk. */
class TextBatch {
  readonly #maxSamples: number;
  readonly #maxBytes: number;
  readonly #timestampMs: number;
  #list: ChunkList;
  samples = 0;

  constructor({ maxSamplesPerBatch, maxBatchBytes }: PushTextOptions, timestampMs: number) {
    this.#maxSamples = maxSamplesPerBatch;
    this.#maxBytes = Math.min(maxBatchBytes, MAX_PAYLOAD_BYTES);
    this.#timestampMs = timestampMs;
    this.#list = new ChunkList(new ChunkPool(this.#maxBytes));
  }

  /** For a line of at most so many bytes; a first one always has. */
  hasRoom(lineBytes: number): boolean {
    if (this.samples === 0) return true;
    return this.samples < this.#maxSamples && this.#list.end + lineBytes <= this.#list.current.length;
  }

  writeLine(text: string): void {
    this.#list.writeText(text);
    this.samples++;
  }

  /** fill writes lines, at most samplesLeft, and returns how many; the first takes at most firstBytes. */
  write(firstBytes: number, fill: (list: ChunkList, samplesLeft: number) => number): number {
    if (this.#list.end + firstBytes > this.#list.current.length) this.#list.startChunk(firstBytes);
    const samples = fill(this.#list, this.#maxSamples - this.samples);
    this.samples += samples;
    return samples;
  }

  take(): Payload {
    const { chunks } = this.#list.finish();
    const { samples } = this;
    this.#list = new ChunkList(new ChunkPool(this.#maxBytes));
    this.samples = 0;
    const [chunk = Buffer.alloc(0)] = chunks; // hasRoom() saw to it that there is one
    // A queue would keep the whole chunk alive for the little that the last payload has.
    const body = 2 * chunk.length < this.#maxBytes ? Buffer.from(chunk) : chunk;
    return { format: 'text', body, samples, timestampMs: this.#timestampMs };
  }
}
