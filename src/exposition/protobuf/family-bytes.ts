// SPDX-License-Identifier: Apache-2.0
// Families that are not flows as io.prometheus.client.Metric messages: counters and histograms with the
// time since when they count.

import { countsFromStart, type Family, type Sample } from '../../metrics/definition.js';
import { encodeLabels } from '../remote-write/labels.js';
import { varintBytes, writeInt64, writeVarint } from '../remote-write/wire.js';
import {
  counterBytes,
  GAUGE_BYTES,
  METRIC_TAG,
  timestampBytes,
  writeCounter,
  writeGauge,
  writeTimestamp,
} from './metric-bytes.js';
import { encodeNative } from './native-bytes.js';

/** First bytes of the fields of io.prometheus.client.Histogram and Bucket. */
const HISTOGRAM_TAG = { count: 0x08, sum: 0x11, bucket: 0x1a, created: 0x7a } as const;
const BUCKET_TAG = { cumulativeCount: 0x08, upperBound: 0x11 } as const;

/**
 * The next metric of a family: its samples from `from` on, its message, and where the one after it begins.
 * A histogram's samples stand together: buckets, _sum, _count. startedMs: since when counters of families count.
 */
export function encodeMetric(
  family: Family,
  from: number,
  startedMs: number,
): { readonly message: Buffer; readonly next: number } {
  const first = family.samples[from] as Sample; // from < length
  const createdMs = countsFromStart(family) ? (first.startedMs ?? startedMs) : 0;
  if (family.type === 'histogram') return encodeHistogram(family.samples, from, createdMs);
  const labels = encodeLabels(first.labels);
  const isCounter = family.type === 'counter';
  const message = Buffer.allocUnsafe(labels.length + (isCounter ? counterBytes(createdMs) : GAUGE_BYTES));
  const at = labels.copy(message);
  if (isCounter) writeCounter(message, at, first.value, createdMs);
  else writeGauge(message, at, first.value);
  return { message, next: from + 1 };
}

function encodeHistogram(samples: readonly Sample[], from: number, createdMs: number) {
  const parts: Buffer[] = [];
  let sum = 0;
  let count = 0;
  let next = from;
  let own: Sample['labels'] = [];
  for (let isOver = false; !isOver && next < samples.length; next++) {
    const { suffix, labels, value, native } = samples[next] as Sample; // next < length
    if (suffix === '_sum') sum = value;
    else if (suffix === '_count') {
      count = value;
      own = labels;
      if (native !== undefined) parts.push(encodeNative(native));
      isOver = true;
    } else {
      const le = labels.find(([name]) => name === 'le')?.[1] ?? '';
      // The count says what the last bucket would: Go's client leaves it out, too.
      if (le !== '+Inf') parts.push(encodeBucket(Number(le), value));
    }
  }
  const created = createdMs > 0 ? [encodeCreated(createdMs)] : [];
  const histogram = Buffer.concat([encodeCountAndSum(count, sum), ...parts, ...created]);
  const frame = Buffer.alloc(1 + varintBytes(histogram.length));
  frame[0] = METRIC_TAG.histogram;
  writeVarint(frame, 1, histogram.length);
  return { message: Buffer.concat([encodeLabels(own), frame, histogram]), next };
}

function encodeCountAndSum(count: number, sum: number): Buffer {
  const out = Buffer.alloc(1 + 10 + 1 + 8);
  out[0] = HISTOGRAM_TAG.count;
  let at = writeInt64(out, 1, count);
  out[at++] = HISTOGRAM_TAG.sum;
  at = out.writeDoubleLE(sum, at);
  return out.subarray(0, at);
}

function encodeBucket(upperBound: number, cumulativeCount: number): Buffer {
  const out = Buffer.alloc(2 + 1 + 10 + 1 + 8);
  out[0] = HISTOGRAM_TAG.bucket;
  out[2] = BUCKET_TAG.cumulativeCount;
  let at = writeInt64(out, 3, cumulativeCount);
  out[at++] = BUCKET_TAG.upperBound;
  at = out.writeDoubleLE(upperBound, at);
  out[1] = at - 2;
  return out.subarray(0, at);
}

function encodeCreated(createdMs: number): Buffer {
  const out = Buffer.alloc(2 + timestampBytes(createdMs));
  out[0] = HISTOGRAM_TAG.created;
  out[1] = out.length - 2;
  writeTimestamp(out, 2, createdMs);
  return out;
}
