// SPDX-License-Identifier: Apache-2.0
// Names of the counters of a RoCE pair, by which each waits at 0 by itself (first-zeros.ts).

import type { RocePairView } from '../roce/views.js';
import type { Labels } from './definition.js';
import { PAIR_METRICS } from './roce-pair-metrics.js';

/** What names a counter, or a whole histogram, among those of its pair. group: of its metric. */
export function partName(group: string, extraLabels: Labels): string {
  let name = group;
  for (const [label, value] of extraLabels) if (label !== 'le') name += ` ${value}`;
  return name;
}

/** Of all counters that a pair has now. */
export function pairPartNames(pair: RocePairView): string[] {
  const names = new Set<string>();
  for (const { definition, group = definition.name, addSamples } of PAIR_METRICS) {
    addSamples(pair, (extraLabels) => names.add(partName(group, extraLabels)));
  }
  return [...names];
}
