// SPDX-License-Identifier: Apache-2.0
// The series of families (books, self metrics) that are pushed: their encoded labels, and which of
// them the present push no longer has.
import type { Family, Sample } from '../../metrics/family.js';
import { encodeLabels, isMetricName, type LabelPair, mergeLabels, withMetricName } from './labels.js';
import type { MetricHead, MetricMetadata } from './metric-head.js';

interface Kept {
  readonly head: MetricHead;
  /** Number of the push that had it last. */
  push: number;
}

export class FamilySeriesKept {
  readonly #external: readonly LabelPair[];
  /** By encoded labels as latin1. */
  readonly #kept = new Map<string, Kept>();
  #push = 0;

  /** external: labels that every series gets. */
  constructor(external: readonly LabelPair[]) {
    this.#external = external;
  }

  beginPush(): void {
    this.#push++;
  }

  /**
   * What the sample's series goes by, with all its labels. Undefined where its name is none, and
   * where this push has the series already: two samples at one time would be refused.
   */
  keep(family: Family, metadata: MetricMetadata, sample: Sample): MetricHead | undefined {
    const metricName = family.name + sample.suffix;
    if (!isMetricName(metricName)) return undefined;
    const labels = encodeLabels(withMetricName(mergeLabels(sample.labels, this.#external), metricName));
    const key = labels.toString('latin1');
    const known = this.#kept.get(key);
    if (known?.push === this.#push) return undefined;
    if (known !== undefined) {
      known.push = this.#push;
      return known.head;
    }
    const head = { labels, metadata };
    this.#kept.set(key, { head, push: this.#push });
    return head;
  }

  /** The series that the present push did not have; each is forgotten as it is given. */
  *takeVanished(): Generator<MetricHead> {
    for (const [key, { head, push }] of this.#kept) {
      if (push === this.#push) continue;
      this.#kept.delete(key);
      yield head;
    }
  }
}
