// SPDX-License-Identifier: Apache-2.0
// Watches every counter over scrapes of one exporter after another: none comes back lower than it was, unless it
// began anew, and says so by a later start. For tests only.

import assert from 'node:assert/strict';
import type { Exporter } from '../exporter/exporter.js';

interface Counter {
  readonly value: number;
  readonly createdS: number;
}

const LINE = /^(\w+?)_(total|created|count|sum|bucket)(\{.*\})? (\S+)$/;

/** Counters of an exposition in OpenMetrics with _created, by name and labels. */
export function countersOf(openMetrics: string): Map<string, Counter> {
  const values = new Map<string, number>();
  const created = new Map<string, number>();
  for (const line of openMetrics.split('\n')) {
    const [, name = '', suffix = '', labels = '', value = ''] = LINE.exec(line) ?? [];
    if (suffix === 'created') created.set(name + labels, Number(value));
    else if (suffix === 'total' || suffix === 'count') values.set(name + labels, Number(value));
  }
  return new Map(
    [...values].flatMap(([key, value]) => {
      const createdS = created.get(key);
      return createdS === undefined ? [] : [[key, { value, createdS }] as const];
    }),
  );
}

export async function scrapeCounters(exporter: Exporter): Promise<Map<string, Counter>> {
  const response = await exporter.page('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return countersOf(text);
}

export class CounterWatch {
  readonly #last = new Map<string, Counter>();
  scrapes = 0;
  /** Counters that went on in spite of another process. */
  wentOn = 0;

  /** Of scrapes in the order of time. */
  note(counters: ReadonlyMap<string, Counter>): void {
    this.scrapes++;
    for (const [key, now] of counters) {
      const before = this.#last.get(key);
      this.#last.set(key, now);
      if (before === undefined) continue;
      const change = `${key} went from ${before.value} (since ${before.createdS}) to ${now.value} (since ${now.createdS})`;
      assert.ok(now.createdS >= before.createdS, change);
      assert.ok(now.createdS > before.createdS || now.value >= before.value, change);
      if (now.createdS === before.createdS && now.value > 0) this.wentOn++;
    }
  }

  valueOf(pattern: RegExp): number {
    return [...this.#last].reduce((sum, [key, { value }]) => (pattern.test(key) ? sum + value : sum), 0);
  }

  createdOf(pattern: RegExp): number[] {
    return [...this.#last].filter(([key]) => pattern.test(key)).map(([, { createdS }]) => createdS);
  }
}
