// SPDX-License-Identifier: Apache-2.0
// PrometheusProto as client_model's metrics.proto defines it (field numbers and types of what we use), read
// by protobufjs: what a scraper makes of a body. For tests only.

import assert from 'node:assert/strict';
import protobuf from 'protobufjs';
import { labelsKey } from './encoder-fixture.js';

const PROTO = `
syntax = "proto2";
package io.prometheus.client;
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message LabelPair { optional string name = 1; optional string value = 2; }
enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; GAUGE_HISTOGRAM = 5; }
message Gauge { optional double value = 1; }
message Counter { optional double value = 1; optional Timestamp created_timestamp = 3; }
message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; }
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram {
  optional uint64 sample_count = 1;
  optional double sample_sum = 2;
  repeated Bucket bucket = 3;
  optional sint32 schema = 5;
  optional double zero_threshold = 6;
  optional uint64 zero_count = 7;
  repeated BucketSpan positive_span = 12;
  repeated sint64 positive_delta = 13;
  optional Timestamp created_timestamp = 15;
}
message Metric {
  repeated LabelPair label = 1;
  optional Gauge gauge = 2;
  optional Counter counter = 3;
  optional int64 timestamp_ms = 6;
  optional Histogram histogram = 7;
}
message MetricFamily {
  optional string name = 1;
  optional string help = 2;
  optional MetricType type = 3;
  repeated Metric metric = 4;
  optional string unit = 5;
}
`;

interface Timestamp {
  readonly seconds: number;
  readonly nanos?: number;
}

export interface ProtoHistogram {
  readonly sampleCount: number;
  readonly sampleSum: number;
  readonly bucket: readonly { readonly cumulativeCount: number; readonly upperBound: number }[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly positiveSpan: readonly { readonly offset: number; readonly length: number }[];
  readonly positiveDelta: readonly number[];
  readonly createdTimestamp?: Timestamp;
}

export interface ProtoMetric {
  readonly label: readonly { readonly name: string; readonly value: string }[];
  readonly gauge?: { readonly value: number };
  readonly counter?: { readonly value: number; readonly createdTimestamp?: Timestamp };
  readonly histogram?: ProtoHistogram;
}

export interface ProtoFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM';
  readonly unit?: string;
  readonly metric: readonly ProtoMetric[];
}

/** @throws Error where the body is not a row of delimited messages. */
export function decodeFamilies(body: Uint8Array): ProtoFamily[] {
  const type = protobuf.parse(PROTO).root.lookupType('io.prometheus.client.MetricFamily');
  const reader = protobuf.Reader.create(body);
  const families: ProtoFamily[] = [];
  while (reader.pos < reader.len) {
    const message = type.decodeDelimited(reader);
    families.push(type.toObject(message, { longs: Number, enums: String, arrays: true }) as ProtoFamily);
  }
  return families;
}

/** Milliseconds; undefined where it is not told. */
export function createdMs(metric: ProtoMetric): number | undefined {
  const created = (metric.counter ?? metric.histogram)?.createdTimestamp;
  return created === undefined ? undefined : created.seconds * 1000 + (created.nanos ?? 0) / 1e6;
}

/** Every sample as the text formats have it: labelsKey() -> value. */
export function samplesOf(families: readonly ProtoFamily[]): Map<string, number> {
  const samples = new Map<string, number>();
  const add = (name: string, labels: readonly (readonly [string, string])[], value: number): void => {
    const key = labelsKey([...labels, ['__name__', name]]);
    assert.ok(!samples.has(key), `${key} twice`);
    samples.set(key, value);
  };
  for (const { name, metric } of families) {
    for (const { label, gauge, counter, histogram } of metric) {
      const labels = label.map((pair) => [pair.name, pair.value] as const);
      const one = gauge ?? counter;
      if (one !== undefined) add(name, labels, one.value);
      if (histogram === undefined) continue;
      for (const { cumulativeCount, upperBound } of histogram.bucket) {
        add(`${name}_bucket`, [...labels, ['le', String(upperBound)]], cumulativeCount);
      }
      add(`${name}_bucket`, [...labels, ['le', 'Infinity']], histogram.sampleCount);
      add(`${name}_sum`, labels, histogram.sampleSum);
      add(`${name}_count`, labels, histogram.sampleCount);
    }
  }
  return samples;
}
