// SPDX-License-Identifier: Apache-2.0
// Samples of metric families as text: for the some ten thousand that are not flows.

import type { Family, Sample } from '../metrics/definition.js';
import { escapeLabelValue } from '../metrics/label-value.js';
import { renderValue } from './dialect.js';

/** Samples `from` to `to - 1`. */
export function renderSamples({ name, samples }: Family, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += renderSample(name, samples[i] as Sample); // to <= length
  return text;
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
