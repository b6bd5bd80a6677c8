// SPDX-License-Identifier: Apache-2.0
// Protobuf's wire format as far as remote write needs it: varints, strings, doubles. Writers return
// the offset after what they wrote and never grow a buffer: whoever calls has made room.

/** First bytes of fields, (number << 3) | wire type, of prometheus.WriteRequest and its parts. */
export const V1_TAG = {
  timeSeries: 0x0a, // WriteRequest.timeseries = 1
  label: 0x0a, // TimeSeries.labels = 1
  sample: 0x12, // TimeSeries.samples = 2
  labelName: 0x0a,
  labelValue: 0x12,
} as const;

/** The same of io.prometheus.write.v2.Request. */
export const V2_TAG = {
  symbol: 0x22, // Request.symbols = 4
  timeSeries: 0x2a, // Request.timeseries = 5
  labelsRefs: 0x0a, // TimeSeries.labels_refs = 1, packed
  sample: 0x12, // TimeSeries.samples = 2
  metadata: 0x2a, // TimeSeries.metadata = 5
  metadataType: 0x08,
  metadataHelpRef: 0x18,
  metadataUnitRef: 0x20,
} as const;

/** Of Sample, alike in both; start_timestamp is of 2.0 only. */
export const SAMPLE_TAG = { value: 0x09, timestamp: 0x10, startTimestamp: 0x18 } as const;

/** The longest varint of 64 bits. */
export const VARINT_MAX_BYTES = 10;

/** An integer from 0 to 2^31 - 1. */
export function writeVarint(out: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7f) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}

/** Of writeInt64(). */
export function int64Bytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** An int64 as protobuf has it: negative ones take ten bytes. A number is a safe integer. */
export function encodeInt64(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A safe integer from 0 on; the same bytes as encodeInt64(), without a BigInt. */
export function writeInt64(out: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7fffffff) {
    out[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  return writeVarint(out, at, rest);
}

/** value.NormalNaN and value.StaleNaN of Prometheus. As halves, low first: neither passes through a double. */
const NORMAL_NAN = [0x00000001, 0x7ff80000] as const;
const STALE_NAN = [0x00000002, 0x7ff00000] as const;

/**
 * Whatever NaN it is goes out as NormalNaN, so that no value can be taken for a stale marker. A
 * DataView, whose setters are single stores in compiled code: 4 ns, where writeDoubleLE() takes 12.
 */
export function writeDouble(out: DataView, offset: number, value: number): number {
  if (Number.isNaN(value)) return writeHalves(out, offset, NORMAL_NAN);
  out.setFloat64(offset, value, true);
  return offset + 8;
}

/** 0x7ff0000000000002: the series has ended. */
export function writeStaleNaN(out: DataView, offset: number): number {
  return writeHalves(out, offset, STALE_NAN);
}

function writeHalves(out: DataView, offset: number, [low, high]: readonly [number, number]): number {
  out.setUint32(offset, low, true);
  out.setUint32(offset + 4, high, true);
  return offset + 8;
}
