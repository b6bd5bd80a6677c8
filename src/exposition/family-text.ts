// SPDX-License-Identifier: Apache-2.0
// Samples of metric families as text: for the some ten thousand that are not flows.

import { countsFromStart, type Family, type Sample } from '../metrics/definition.js';
import { escapeLabelValue } from '../metrics/label-value.js';
import type { Pacer } from '../pacer.js';
import type { ChunkList } from './chunk-list.js';
import { type Dialect, renderValue } from './dialect.js';
import { openMetricsFamilyName } from './openmetrics.js';

/** Price of a family's sample, nanoseconds. */
const SAMPLE_NS = 2000;

/** createdMs: see renderSamples(). Resolves with the bytes of all but lines of RoCE pairs. */
export async function renderFamilies(
  list: ChunkList,
  dialect: Dialect,
  families: readonly Family[],
  pacer: Pacer,
  createdMs?: number,
): Promise<number> {
  let restBytes = 0;
  for (const family of families) {
    restBytes += list.writeText(dialect.renderHeader(family));
    const { length } = family.samples;
    for (let from = 0; from < length; ) {
      const to = Math.min(length, from + pacer.stepsLeft(SAMPLE_NS));
      const bytes = list.writeText(renderSamples(family, from, to, createdMs));
      if (family.isOfPairs !== true) restBytes += bytes;
      await pacer.spend((to - from) * SAMPLE_NS);
      from = to;
    }
  }
  return restBytes;
}

/**
 * Samples `from` to `to - 1`. startedMs: since when counters count that do not say so themselves, where each
 * is to be followed by its _created; undefined where none is.
 */
export function renderSamples(family: Family, from: number, to: number, startedMs?: number): string {
  const { name, samples } = family;
  const withCreated = startedMs !== undefined && countsFromStart(family);
  let text = '';
  for (let i = from; i < to; i++) {
    const one = samples[i] as Sample; // to <= length
    text += renderSample(name, one);
    // A histogram's comes after the last of its samples.
    if (withCreated && (one.suffix === '' || one.suffix === '_count')) {
      const created = `${openMetricsFamilyName(family)}_created`;
      text += `${created}${renderLabels(one)} ${createdText(one.startedMs ?? startedMs)}\n`;
    }
  }
  return text;
}

/** Unix time in seconds. */
export function createdText(startedMs: number): string {
  return (Math.floor(startedMs) / 1000).toFixed(3);
}

/** One line; lineEnd: from after the value to the line feed. */
export function renderSample(familyName: string, sample: Sample, lineEnd = '\n'): string {
  return `${familyName}${sample.suffix}${renderLabels(sample)} ${renderValue(sample.value)}${lineEnd}`;
}

function renderLabels({ labels }: Sample): string {
  return labels.length === 0 ? '' : `{${renderLabelPairs(labels)}}`;
}

/** Labels as they stand between braces. */
export function renderLabelPairs(labels: Sample['labels']): string {
  return labels.map(([name, value]) => `${name}="${escapeLabelValue(value)}"`).join(',');
}
