// SPDX-License-Identifier: Apache-2.0
// The series of families (books, self metrics) that are pushed: their encoded labels, and which of
// them the present push no longer has.

import type { Family, Sample } from '../../metrics/definition.js';
import { encodeLabels, isMetricName, type LabelPair, mergeLabels, withMetricName } from './labels.js';
import type { MetricHead, MetricMetadata } from './metric-head.js';

export interface KeptSeries {
  readonly head: MetricHead;
  /** The present push is its first. */
  readonly isNew: boolean;
}

interface Kept {
  readonly head: MetricHead;
  /** Number of the push that had it first. */
  readonly since: number;
  readonly encoded: string;
  /** What samples call it; one, unless two differ in labels that are left out. */
  readonly names: string[];
  /** Number of the push that had it last. */
  push: number;
}

export class FamilyLabelCache {
  readonly #external: readonly LabelPair[];
  /** By encoded labels as latin1: what makes a series. */
  readonly #kept = new Map<string, Kept>();
  /** The same by seriesName(): found again without encoding, in a quarter of the time. */
  readonly #byName = new Map<string, Kept>();
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
  keep(family: Family, metadata: MetricMetadata, sample: Sample): KeptSeries | undefined {
    const metricName = family.name + sample.suffix;
    const name = seriesName(metricName, sample.labels);
    const kept = this.#byName.get(name) ?? this.#begin(name, metricName, metadata, sample);
    if (kept === undefined || kept.push === this.#push) return undefined;
    kept.push = this.#push;
    return { head: kept.head, isNew: kept.since === this.#push };
  }

  #begin(name: string, metricName: string, metadata: MetricMetadata, sample: Sample): Kept | undefined {
    if (!isMetricName(metricName)) return undefined;
    const labels = encodeLabels(withMetricName(mergeLabels(sample.labels, this.#external), metricName));
    const encoded = labels.toString('latin1');
    let kept = this.#kept.get(encoded);
    if (kept === undefined) {
      kept = { head: { labels, metadata }, encoded, names: [], since: this.#push, push: this.#push - 1 };
      this.#kept.set(encoded, kept);
    }
    kept.names.push(name);
    this.#byName.set(name, kept);
    return kept;
  }

  /** The series that the present push did not have; each is forgotten as it is given. */
  *takeVanished(): Generator<MetricHead> {
    for (const { head, encoded, names, push } of this.#kept.values()) {
      if (push === this.#push) continue;
      this.#kept.delete(encoded);
      for (const name of names) this.#byName.delete(name);
      yield head;
    }
  }
}

/** Metric name and labels as one text that no other has: every part says how long it is. */
export function seriesName(metricName: string, labels: Sample['labels']): string {
  let text = `${metricName.length}:${metricName}`;
  for (const [name, value] of labels) text += `${name.length}:${name}${value.length}:${value}`;
  return text;
}
