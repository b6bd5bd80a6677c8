// SPDX-License-Identifier: Apache-2.0
// One metric family as text: for the hundreds of samples that are not flows.
import type { Family, Sample } from '../metrics/family.js';
import { escapeLabelValue } from '../metrics/label-value.js';
import { type Dialect, renderValue } from './dialect.js';

export function renderFamily(dialect: Dialect, family: Family): string {
  let text = dialect.renderHeader(family);
  for (const sample of family.samples) text += renderSample(family.name, sample);
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
