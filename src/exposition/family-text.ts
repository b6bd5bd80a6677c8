// SPDX-License-Identifier: Apache-2.0
// Samples of metric families as text: for the some ten thousand that are not flows.

import { countsFromStart, type Family, type Sample } from '../metrics/definition.js';
import { escapeLabelValue } from '../metrics/label-value.js';
import { renderValue } from './dialect.js';
import { openMetricsFamilyName } from './openmetrics.js';

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
