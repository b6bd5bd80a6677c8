// SPDX-License-Identifier: Apache-2.0
// The wire format of io.prometheus.client.Metric and its parts (client_model, metrics.proto): functions that
// say how long a part is, and others that write it. Writers return the offset after what they wrote.

import { int64Bytes, varintBytes, writeInt64, writeVarint } from '../remote-write/wire.js';

/** io.prometheus.client.MetricType. */
export const METRIC_TYPE = { counter: 0, gauge: 1, histogram: 4, info: 1 } as const;

/** First bytes of fields, (number << 3) | wire type. */
export const FAMILY_TAG = { name: 0x0a, help: 0x12, type: 0x18, metric: 0x22, unit: 0x2a } as const;
export const METRIC_TAG = { label: 0x0a, gauge: 0x12, counter: 0x1a, histogram: 0x3a } as const;
/** Of Counter and Gauge alike. */
const VALUE_TAG = 0x09;
const CREATED_TAG = 0x1a;
const TIMESTAMP_TAG = { seconds: 0x08, nanos: 0x10 } as const;

/** Counter.value or Gauge.value. */
const VALUE_BYTES = 1 + 8;
const NANOS_PER_MS = 1_000_000;

/** A google.protobuf.Timestamp, without tag and length. */
export function timestampBytes(ms: number): number {
  const nanos = nanosOf(ms);
  return 1 + int64Bytes(Math.floor(ms / 1000)) + (nanos === 0 ? 0 : 1 + varintBytes(nanos));
}

export function writeTimestamp(out: Buffer, offset: number, ms: number): number {
  out[offset] = TIMESTAMP_TAG.seconds;
  const at = writeInt64(out, offset + 1, Math.floor(ms / 1000));
  const nanos = nanosOf(ms);
  if (nanos === 0) return at;
  out[at] = TIMESTAMP_TAG.nanos;
  return writeVarint(out, at + 1, nanos);
}

/** Metric.counter with tag and length; createdMs: 0 where it is not known. */
export function counterBytes(createdMs: number): number {
  const length = VALUE_BYTES + (createdMs > 0 ? 2 + timestampBytes(createdMs) : 0);
  return 2 + length;
}

export function writeCounter(out: Buffer, offset: number, value: number, createdMs: number): number {
  out[offset] = METRIC_TAG.counter;
  out[offset + 1] = counterBytes(createdMs) - 2;
  const at = writeValue(out, offset + 2, value);
  if (!(createdMs > 0)) return at;
  out[at] = CREATED_TAG;
  out[at + 1] = timestampBytes(createdMs);
  return writeTimestamp(out, at + 2, createdMs);
}

export const GAUGE_BYTES = 2 + VALUE_BYTES;

export function writeGauge(out: Buffer, offset: number, value: number): number {
  out[offset] = METRIC_TAG.gauge;
  out[offset + 1] = VALUE_BYTES;
  return writeValue(out, offset + 2, value);
}

function writeValue(out: Buffer, offset: number, value: number): number {
  out[offset] = VALUE_TAG;
  return out.writeDoubleLE(value, offset + 1);
}

function nanosOf(ms: number): number {
  return Math.floor(((ms % 1000) + 1000) % 1000) * NANOS_PER_MS;
}
