// SPDX-License-Identifier: Apache-2.0
// One metric family as text: for the hundreds of samples that are not flows.
import type { Family, Sample } from '../metrics/family.js';
import { escapeLabelValue } from '../metrics/label-value.js';
import { type Dialect, renderValue } from './dialect.js';

export function renderFamily(dialect: Dialect, family: Family): string {
  let text = dialect.renderHeader(family);
  for (const sample of family.samples) {
    text += `${family.name}${sample.suffix}${renderLabels(sample)} ${renderValue(sample.value)}\n`;
  }
  return text;
}

function renderLabels({ labels }: Sample): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${name}="${escapeLabelValue(value)}"`).join(',')}}`;
}
