// SPDX-License-Identifier: Apache-2.0
// prometheus.WriteRequest of remote write 1.0: labels are copied, the rest is some twenty bytes.
import type { Payload } from '../../push/payload.js';
import type { MetricHead } from './metric-head.js';
import { grown, type SeriesBatch } from './series-batch.js';
import { encodeInt64, SAMPLE_TAG, V1_TAG, writeDouble, writeStaleNaN, writeVarint } from './wire.js';

const FIRST_BYTES = 64 * 1024;
/** A tag and the longest length. */
const FRAME_BYTES = 1 + 5;

export class BatchV1 implements SeriesBatch {
  samples = 0;
  #out: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #timestampMs = 0;
  /** Tag and value of Sample.timestamp. */
  #timestamp = Buffer.alloc(0);
  /** TimeSeries.samples with tag and length. */
  #sampleBytes = 0;

  get bytes(): number {
    return this.#end;
  }

  begin(timestampMs: number): void {
    this.samples = 0;
    this.#end = 0;
    this.#timestampMs = timestampMs;
    this.#timestamp = Buffer.concat([Buffer.from([SAMPLE_TAG.timestamp]), encodeInt64(timestampMs)]);
    this.#sampleBytes = 2 + 1 + 8 + this.#timestamp.length;
  }

  mostBytes(head: MetricHead, restBytes: number): number {
    return FRAME_BYTES + head.labels.length + restBytes + this.#sampleBytes;
  }

  add(head: MetricHead, rest: Buffer, restStart: number, restEnd: number, value: number): void {
    const at = this.#addLabels(head.labels, rest, restStart, restEnd);
    this.#addTimestamp(writeDouble(this.#out, at, value));
  }

  addStale(head: MetricHead, rest: Buffer, restStart: number, restEnd: number): void {
    const at = this.#addLabels(head.labels, rest, restStart, restEnd);
    this.#addTimestamp(writeStaleNaN(this.#out, at));
  }

  take(): Payload {
    const body = Buffer.from(this.#out.subarray(0, this.#end));
    const { samples } = this;
    this.samples = 0;
    this.#end = 0;
    return { format: 'remote_write_1', body, samples, timestampMs: this.#timestampMs };
  }

  /** All up to the value; returns where that goes. */
  #addLabels(head: Buffer, rest: Buffer, restStart: number, restEnd: number): number {
    const headBytes = head.length;
    const length = headBytes + restEnd - restStart + this.#sampleBytes;
    this.#out = grown(this.#out, this.#end, this.#end + FRAME_BYTES + length);
    const out = this.#out;
    let at = this.#end;
    out[at++] = V1_TAG.timeSeries;
    at = writeVarint(out, at, length);
    for (let i = 0; i < headBytes; i++) out[at + i] = head[i] ?? 0;
    at += headBytes;
    at += rest.copy(out, at, restStart, restEnd);
    out[at++] = V1_TAG.sample;
    out[at++] = this.#sampleBytes - 2;
    out[at++] = SAMPLE_TAG.value;
    return at;
  }

  #addTimestamp(offset: number): void {
    const timestamp = this.#timestamp;
    for (let i = 0; i < timestamp.length; i++) this.#out[offset + i] = timestamp[i] ?? 0;
    this.#end = offset + timestamp.length;
    this.samples++;
  }
}
