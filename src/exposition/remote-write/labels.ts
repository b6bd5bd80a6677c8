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

/** They say of which target a series is: a scraper sets them, whatever the series says. */
const TARGET_LABELS: readonly string[] = ['job', 'instance'];

/**
 * The labels of a series and those that every series gets (external), in no order; no name twice where neither has one
 * twice. As with Prometheus' external_labels, a label that the series has wins, even where its value is empty. But job and
 * instance are set as a scrape does it where honor_labels is false: those of the series become exported_job and
 * exported_instance, with one more exported_ where it has that label, too.
 */
export function joinLabels(own: readonly LabelPair[], external: readonly LabelPair[]): LabelPair[] {
  const target = external.filter(([name]) => TARGET_LABELS.includes(name)).map(([name]) => name);
  const ownNames = own.map(([name]) => name);
  const added = external.filter(([name]) => target.includes(name) || !ownNames.includes(name));
  if (!target.some((name) => ownNames.includes(name))) return [...own, ...added];
  const kept = own.filter(([name]) => !target.includes(name));
  const filled = new Set(kept.filter(([, value]) => value !== '').map(([name]) => name));
  const exported = own.filter(([name, value]) => target.includes(name) && value !== '');
  const renamed = exported.map(([name, value]): LabelPair => {
    let free = name;
    do free = `exported_${free}`;
    while (filled.has(free));
    return [free, value];
  });
  const newNames = renamed.map(([name]) => name);
  const isFree = ([name]: LabelPair) => !newNames.includes(name);
  return [...kept.filter(isFree), ...renamed, ...added.filter(isFree)];
}

/**
 * What joinLabels() says, in the order of their bytes. Left out: names that are none, the second of two with one name, and
 * empty values.
 */
export function mergeLabels(own: readonly LabelPair[], external: readonly LabelPair[]): LabelPair[] {
  const merged = new Map<string, string>();
  for (const [name, value] of joinLabels(own, external)) {
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
