// SPDX-License-Identifier: Apache-2.0
// A remote write 2.0 request of ours as one of 1.0, for what was queued before a receiver turned out
// to know 1.0 only. Metadata and start timestamps have no place there and are left out.

import type { Payload } from '../payload.js';
import { SAMPLE_TAG, V1_TAG, V2_TAG, varintBytes, writeVarint } from './wire.js';

/**
 * Series and samples stay as they are, bit for bit, in their order.
 * @throws RangeError when the body is not a remote write 2.0 request as this program writes them.
 */
export function transcodeToV1(payload: Payload): Payload {
  const { body } = payload;
  const reader = new Reader(body);
  const symbols: Span[] = [];
  let out = Buffer.allocUnsafeSlow(Math.max(1024, 4 * body.length));
  let end = 0;
  while (reader.at < body.length) {
    const tag = reader.byte();
    const span = reader.span();
    if (tag === V2_TAG.symbol) {
      symbols.push(span);
      continue;
    }
    if (tag !== V2_TAG.timeSeries) throw malformed(reader.at);
    const series = readSeries(body, span, symbols);
    const room = end + 1 + 5 + series.bytes;
    if (room > out.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * out.length, room));
      out.copy(larger, 0, 0, end);
      out = larger;
    }
    end = writeSeries(out, end, body, series);
  }
  // Not the whole of `out`: it is kept as long as the queue is.
  return { ...payload, format: 'remote_write_1', body: Buffer.from(out.subarray(0, end)) };
}

/** body[start .. end]. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface Series {
  /** Name, value, name, value ... */
  readonly texts: readonly Span[];
  /** From Sample.value to Sample.timestamp, both included. */
  readonly samples: readonly Span[];
  /** Length of the TimeSeries of 1.0. */
  readonly bytes: number;
}

function readSeries(body: Buffer, { start, end }: Span, symbols: readonly Span[]): Series {
  const reader = new Reader(body, start, end);
  const texts: Span[] = [];
  const samples: Span[] = [];
  let bytes = 0;
  while (reader.at < end) {
    const tag = reader.byte();
    const span = reader.span();
    if (tag === V2_TAG.labelsRefs) {
      const refs = new Reader(body, span.start, span.end);
      while (refs.at < span.end) {
        const text = symbols[refs.varint()];
        if (text === undefined) throw malformed(refs.at);
        texts.push(text);
      }
    } else if (tag === V2_TAG.sample) {
      const sample = readSample(body, span);
      samples.push(sample);
      bytes += fieldBytes(sample.end - sample.start);
    } else if (tag !== V2_TAG.metadata) {
      throw malformed(reader.at);
    }
  }
  if (texts.length % 2 !== 0) throw malformed(start);
  for (let i = 0; i < texts.length; i += 2) bytes += fieldBytes(labelBytes(texts, i));
  return { texts, samples, bytes };
}

/** Value and timestamp are alike in both versions; a start timestamp comes after them. */
function readSample(body: Buffer, { start, end }: Span): Span {
  const reader = new Reader(body, start, end);
  if (reader.byte() !== SAMPLE_TAG.value) throw malformed(start);
  reader.skip(8);
  if (reader.byte() !== SAMPLE_TAG.timestamp) throw malformed(start);
  while (reader.byte() > 0x7f);
  return { start, end: reader.at };
}

function writeSeries(out: Buffer, offset: number, body: Buffer, { texts, samples, bytes }: Series): number {
  out[offset] = V1_TAG.timeSeries;
  let at = writeVarint(out, offset + 1, bytes);
  for (let i = 0; i < texts.length; i += 2) {
    out[at++] = V1_TAG.label;
    at = writeVarint(out, at, labelBytes(texts, i));
    at = writeField(out, at, V1_TAG.labelName, body, texts[i] as Span); // an even number of them
    at = writeField(out, at, V1_TAG.labelValue, body, texts[i + 1] as Span);
  }
  for (const sample of samples) at = writeField(out, at, V1_TAG.sample, body, sample);
  return at;
}

function writeField(out: Buffer, offset: number, tag: number, body: Buffer, { start, end }: Span): number {
  out[offset] = tag;
  const at = writeVarint(out, offset + 1, end - start);
  return at + body.copy(out, at, start, end);
}

function labelBytes(texts: readonly Span[], index: number): number {
  const [name, value] = [texts[index], texts[index + 1]] as [Span, Span]; // an even number of them
  return fieldBytes(name.end - name.start) + fieldBytes(value.end - value.start);
}

function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}

function malformed(offset: number): RangeError {
  return new RangeError(`not a remote write 2.0 request of ours: at byte ${offset}`);
}

/** Reads body[at .. end]; throws where that is not enough. */
class Reader {
  readonly #body: Buffer;
  readonly #end: number;
  at: number;

  constructor(body: Buffer, start = 0, end = body.length) {
    this.#body = body;
    this.at = start;
    this.#end = end;
  }

  byte(): number {
    if (this.at >= this.#end) throw malformed(this.at);
    return this.#body[this.at++] ?? 0;
  }

  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#end) throw malformed(this.at);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte <= 0x7f) return value;
      if (scale > 2 ** 28) throw malformed(this.at);
    }
  }

  span(): Span {
    const length = this.varint();
    const start = this.at;
    this.skip(length);
    return { start, end: this.at };
  }
}
