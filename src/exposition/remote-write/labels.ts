// SPDX-License-Identifier: Apache-2.0
// Which labels a series goes out with, in which order, and as which bytes: those of remote write 1.0,
// which here stand for the series itself wherever it is remembered.

import { V1_TAG, varintBytes, writeVarint } from './wire.js';

export type LabelPair = readonly [name: string, value: string];

const METRIC_NAME = '__name__';
const METRIC_NAME_PATTERN = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME_PATTERN = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether remote write knows such a label name; names that begin with two underscores are reserved. */
export function isLabelName(name: string): boolean {
  return LABEL_NAME_PATTERN.test(name) && !name.startsWith('__');
}

export function isMetricName(name: string): boolean {
  return METRIC_NAME_PATTERN.test(name);
}

/**
 * The labels of a series and those that every series gets (external), in the order of their bytes. As
 * with Prometheus' external_labels, a label that the series has wins, even where its value is
 * empty. Left out: names that are none, the second of two with one name, and empty values.
 */
export function mergeLabels(own: readonly LabelPair[], external: readonly LabelPair[]): LabelPair[] {
  const merged = new Map<string, string>();
  for (const [name, value] of [...own, ...external]) {
    if (isLabelName(name) && !merged.has(name)) merged.set(name, value);
  }
  // Names are ASCII here, so the order of code units is that of bytes.
  return [...merged].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Where __name__ stands among sorted labels: after those in capitals, before those in small letters. */
export function placeOfName(sorted: readonly LabelPair[]): number {
  const place = sorted.findIndex(([name]) => name > METRIC_NAME);
  return place < 0 ? sorted.length : place;
}

export function withMetricName(sorted: readonly LabelPair[], metricName: string): LabelPair[] {
  const place = placeOfName(sorted);
  return [...sorted.slice(0, place), [METRIC_NAME, metricName], ...sorted.slice(place)];
}

/** Repeated TimeSeries.labels of remote write 1.0, in the order given. */
export function encodeLabels(labels: readonly LabelPair[]): Buffer {
  return Buffer.concat(labels.map(encodeLabel));
}

function encodeLabel([name, value]: LabelPair): Buffer {
  const body = [...stringField(V1_TAG.labelName, name), ...stringField(V1_TAG.labelValue, value)];
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([tagAndLength(V1_TAG.label, length), ...body]);
}

/** Tag and length, and the text. */
export function stringField(tag: number, text: string): [Buffer, Buffer] {
  const bytes = Buffer.from(text);
  return [tagAndLength(tag, bytes.length), bytes];
}

function tagAndLength(tag: number, length: number): Buffer {
  const out = Buffer.alloc(1 + varintBytes(length));
  out[0] = tag;
  writeVarint(out, 1, length);
  return out;
}
