// SPDX-License-Identifier: Apache-2.0
// Tells the log when a budget begins to leave things without series, and when it no longer does. Load that
// comes and goes makes one line in ten minutes at most.

import { BUDGETS, type Budget } from './budgets.js';

/** So long it must have left nothing out before that is told. */
const QUIET_MS = 5 * 60_000;
/** Between two lines about the same budget. */
const LINE_EVERY_MS = 10 * 60_000;

/** What is bound by which number, where the rest is counted, and what to do about it. */
const ADVICE: Readonly<Record<Budget, string>> = {
  max_series:
    'flows.max_series is reached: the smaller flows have no series and are counted in ' +
    'xtrace_other_bytes_total{reason="max_series"}; raise it, or make fewer flows with flows.labels, flows.src_port and flows.dst_port',
  max_new_series_per_minute:
    'flows.max_new_series_per_minute is reached: larger flows wait for the series of smaller ones and are counted in ' +
    'xtrace_other_bytes_total{reason="max_series"} meanwhile; raise it, or flows.max_series',
  max_exposition_bytes:
    'flows.max_exposition_bytes is reached: the smaller flows have no series and are counted in ' +
    'xtrace_other_bytes_total{reason="max_series"}, new RoCE pairs beyond half of it in xtrace_roce_other_bytes_total{reason="max_pairs"}; ' +
    "take labels away with flows.labels, gauges with flows.gauges, or raise it together with the scraper's limit (max_scrape_size, body_size_limit)",
  max_pairs:
    'roce.max_pairs is reached: new RoCE pairs have no series and are counted in ' +
    'xtrace_roce_other_bytes_total{reason="max_pairs"}; raise it, or shorten addresses with flows.ipv4_prefix_length and flows.ipv6_prefix_length',
  max_flows:
    "kernel.max_flows is reached: the kernel's map was full, and what it could not take is counted in " +
    'xtrace_other_bytes_total{reason="map_full"} without its flow; raise it, or make fewer flows with flows.src_port and flows.dst_port',
};
const SETTINGS_OF: Readonly<Record<Budget, string>> = {
  max_series: 'flows.max_series',
  max_new_series_per_minute: 'flows.max_new_series_per_minute',
  max_exposition_bytes: 'flows.max_exposition_bytes',
  max_pairs: 'roce.max_pairs',
  max_flows: 'kernel.max_flows',
};

/** What the budget leaves out, where that is counted, and what to do; no full stop. */
export function budgetSentence(budget: Budget): string {
  return ADVICE[budget];
}

interface Told {
  isBound: boolean;
  lineMs: number;
  boundMs: number;
}

export class BudgetLog {
  readonly #log: { info(message: string): void; warn(message: string): void };
  readonly #nowMs: () => number;
  readonly #told = new Map<Budget, Told>();

  constructor(parts: {
    readonly log: { info(message: string): void; warn(message: string): void };
    /** A clock that does not jump. */
    nowMs(): number;
  }) {
    this.#log = parts.log;
    this.#nowMs = parts.nowMs;
  }

  /** Once a refresh: the budgets that left something without a series in it. */
  refreshed(bound: ReadonlySet<Budget>): void {
    const nowMs = this.#nowMs();
    for (const budget of BUDGETS) {
      const told = this.#told.get(budget) ?? {
        isBound: false,
        lineMs: Number.NEGATIVE_INFINITY,
        boundMs: Number.NEGATIVE_INFINITY,
      };
      const isBound = bound.has(budget);
      if (isBound) told.boundMs = nowMs;
      this.#told.set(budget, told);
      const isNews = isBound ? !told.isBound : told.isBound && nowMs - told.boundMs >= QUIET_MS;
      if (!isNews || nowMs - told.lineMs < LINE_EVERY_MS) continue;
      told.isBound = isBound;
      told.lineMs = nowMs;
      if (isBound) this.#log.warn(ADVICE[budget]);
      else this.#log.info(`${SETTINGS_OF[budget]} leaves nothing out any more`);
    }
  }
}
