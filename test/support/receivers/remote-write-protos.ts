// SPDX-License-Identifier: Apache-2.0
// Remote write as its specifications define it, read by protobufjs: what a receiver makes of a body.
// Doubles also come as their bits, because NaN has many.

import protobuf from 'protobufjs';

/** prometheus.WriteRequest of remote write 1.0, field numbers of the specification. */
const PROTO_V1 = `
syntax = "proto3";
package prometheus;
message WriteRequest { repeated TimeSeries timeseries = 1; reserved 2, 3; }
message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
message Label { string name = 1; string value = 2; }
message Sample { double value = 1; int64 timestamp = 2; }
`;

/** io.prometheus.write.v2.Request of remote write 2.0-rc.4; native histograms are left out. */
const PROTO_V2 = `
syntax = "proto3";
package io.prometheus.write.v2;
message Request { reserved 1 to 3; repeated string symbols = 4; repeated TimeSeries timeseries = 5; }
message TimeSeries {
  repeated uint32 labels_refs = 1;
  repeated Sample samples = 2;
  repeated Exemplar exemplars = 4;
  Metadata metadata = 5;
  reserved 6;
}
message Exemplar { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
message Metadata {
  enum MetricType {
    METRIC_TYPE_UNSPECIFIED = 0;
    METRIC_TYPE_COUNTER = 1;
    METRIC_TYPE_GAUGE = 2;
    METRIC_TYPE_HISTOGRAM = 3;
    METRIC_TYPE_GAUGEHISTOGRAM = 4;
    METRIC_TYPE_SUMMARY = 5;
    METRIC_TYPE_INFO = 6;
    METRIC_TYPE_STATESET = 7;
  }
  MetricType type = 1;
  uint32 help_ref = 3;
  uint32 unit_ref = 4;
}
`;

export interface ReceivedSample {
  readonly value: number;
  /** The double as 16 hexadecimal digits, the sign first. */
  readonly bits: string;
  readonly timestampMs: number;
  /** 2.0 only; 0 where there is none. */
  readonly startMs: number;
}

export interface ReceivedSeries {
  /** In the order of the body. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly ReceivedSample[];
  /** 2.0 only. */
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string };
}

/** 0x7ff0000000000002. */
export const STALE_BITS = '7ff0000000000002';

interface DecodedSample {
  readonly value: number;
  readonly timestamp: number;
  readonly startTimestamp?: number;
}

/** @throws Error when the body is not such a request. */
export function decodeWriteRequest(body: Uint8Array): ReceivedSeries[] {
  const request = decode<{
    timeseries: { labels: { name: string; value: string }[]; samples: DecodedSample[] }[];
  }>(writeRequestType(), body);
  return request.timeseries.map(({ labels, samples }) => ({
    labels: labels.map(({ name, value }) => [name, value] as const),
    samples: samples.map(toSample),
  }));
}

export interface ReceivedRequestV2 {
  readonly symbols: readonly string[];
  /** Numbers of symbols, as they stand in the body, by series. */
  readonly refs: readonly (readonly number[])[];
  readonly series: readonly ReceivedSeries[];
}

/** @throws Error when the body is not such a request, or a number is no symbol's. */
export function decodeRequestV2(body: Uint8Array): ReceivedRequestV2 {
  const { symbols, timeseries } = decode<{
    symbols: string[];
    timeseries: {
      labelsRefs: number[];
      samples: DecodedSample[];
      metadata?: { type: number; helpRef: number; unitRef: number };
    }[];
  }>(requestV2Type(), body);
  const symbol = (ref: number): string => {
    const text = symbols[ref];
    if (text === undefined) throw new RangeError(`there is no symbol ${ref} among ${symbols.length}`);
    return text;
  };
  return {
    symbols,
    refs: timeseries.map(({ labelsRefs }) => labelsRefs),
    series: timeseries.map(({ labelsRefs, samples, metadata }) => ({
      labels: Array.from(
        { length: Math.ceil(labelsRefs.length / 2) },
        (_, i) => [symbol(labelsRefs[2 * i] ?? -1), symbol(labelsRefs[2 * i + 1] ?? -1)] as const,
      ),
      samples: samples.map(toSample),
      ...(metadata === undefined || metadata === null
        ? {}
        : {
            metadata: {
              type: metadata.type,
              help: symbol(metadata.helpRef),
              unit: symbol(metadata.unitRef),
            },
          }),
    })),
  };
}

export function writeRequestType(): protobuf.Type {
  return protobuf.parse(PROTO_V1).root.lookupType('prometheus.WriteRequest');
}

export function requestV2Type(): protobuf.Type {
  return protobuf.parse(PROTO_V2).root.lookupType('io.prometheus.write.v2.Request');
}

function decode<T>(type: protobuf.Type, body: Uint8Array): T {
  return type.toObject(type.decode(body), { longs: Number, defaults: true }) as T;
}

function toSample({ value, timestamp, startTimestamp }: DecodedSample): ReceivedSample {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return { value, bits: bytes.toString('hex'), timestampMs: timestamp, startMs: startTimestamp ?? 0 };
}
