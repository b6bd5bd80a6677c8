// SPDX-License-Identifier: Apache-2.0
// The native half of an io.prometheus.client.Histogram: schema, zero bucket, and the others as spans of
// indices with the difference of each count to the one before.

import type { NativeHistogram } from '../../native-buckets.js';
import { encodeInt64 } from '../remote-write/wire.js';

/** First bytes of fields, (number << 3) | wire type. */
const NATIVE_TAG = {
  schema: 0x28,
  zeroThreshold: 0x31,
  zeroCount: 0x38,
  positiveSpan: 0x62,
  positiveDelta: 0x68,
} as const;
const SPAN_TAG = { offset: 0x08, length: 0x10 } as const;

/** Of neighbours, from the first index on. */
interface Run {
  readonly first: number;
  readonly counts: number[];
}

export function encodeNative({ schema, zeroThreshold, zeroCount, buckets }: NativeHistogram): Buffer {
  const parts: Buffer[] = [field(NATIVE_TAG.schema, zigzag(schema)), threshold(zeroThreshold)];
  parts.push(field(NATIVE_TAG.zeroCount, zeroCount));
  const runs = runsOf(buckets);
  let end = 0;
  for (const { first, counts } of runs) {
    const offset = field(SPAN_TAG.offset, zigzag(first - end));
    const span = Buffer.concat([offset, field(SPAN_TAG.length, counts.length)]);
    parts.push(Buffer.from([NATIVE_TAG.positiveSpan, span.length]), span);
    end = first + counts.length;
  }
  let before = 0;
  for (const count of runs.flatMap(({ counts }) => counts)) {
    parts.push(field(NATIVE_TAG.positiveDelta, zigzag(count - before)));
    before = count;
  }
  return Buffer.concat(parts);
}

function runsOf(buckets: NativeHistogram['buckets']): Run[] {
  const runs: Run[] = [];
  for (const [index, count] of [...buckets].sort(([a], [b]) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.counts.length === index) last.counts.push(count);
    else runs.push({ first: index, counts: [count] });
  }
  return runs;
}

function threshold(value: number): Buffer {
  const out = Buffer.alloc(1 + 8);
  out[0] = NATIVE_TAG.zeroThreshold;
  out.writeDoubleLE(value, 1);
  return out;
}

/** sint32 and sint64 of protobuf: small numbers are short, whatever their sign. */
function zigzag(value: number): bigint {
  const whole = BigInt(value);
  return whole >= 0n ? 2n * whole : -2n * whole - 1n;
}

function field(tag: number, value: number | bigint): Buffer {
  return Buffer.concat([Buffer.from([tag]), encodeInt64(value)]);
}
