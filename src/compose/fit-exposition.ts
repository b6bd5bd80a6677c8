// SPDX-License-Identifier: Apache-2.0
// What keeps expositions within their budget, wired: a step of a refresh, and a look at each answer before it
// goes out, as RDMA ports and interfaces come at any time. And what is told of budgets.

import type { Clock } from '../clock.js';
import type { RefreshSteps } from '../daemon.js';
import type { Exposition } from '../exposition/render-exposition.js';
import { BudgetLog } from '../flows/budget-log.js';
import type { Budget } from '../flows/budgets.js';
import type { ExpositionBudget } from '../flows/exposition-budget.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import type { RoceLine } from './connect-roce.js';

export interface ExpositionFit {
  /** What left something without series in the last refresh. */
  readonly binding: ReadonlySet<Budget>;
  readonly step: RefreshSteps['fitExposition'];
  /** Within the guard. False where it is too large, and series ended, or where it says of itself that it has fewer bytes. */
  mayGoOut(exposition: Pick<Exposition, 'bytes' | 'restBytes'>): Promise<boolean>;
}

export function createExpositionFit(parts: {
  readonly accounts: Pick<FlowAccounts, 'fit' | 'series'>;
  readonly roce: Pick<RoceLine, 'fit'> | undefined;
  readonly budget: ExpositionBudget;
  /** Where something ended after the refresh had kept it. */
  keepState(): Promise<void>;
  readonly selfMetrics: SelfMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}): ExpositionFit {
  const { accounts, roce, budget, selfMetrics, log } = parts;
  const budgetLog = new BudgetLog({
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    nowMs: () => parts.clock.nowMs(),
  });
  /** What answers say of themselves. */
  let estimatedBytes = 0;
  let binding: ReadonlySet<Budget> = new Set();

  /** Whether anything ended. Pairs first: what they give back, flows may keep. */
  async function makeFit(): Promise<boolean> {
    const endedPairs = (await roce?.fit()) ?? 0;
    const endedSeries = await accounts.fit();
    if (endedSeries > 0) {
      selfMetrics.recordSeriesEnded('max_series', endedSeries);
      selfMetrics.setSeries(accounts.series.count);
    }
    estimatedBytes = budget.estimatedBytes;
    selfMetrics.setExpositionEstimate(estimatedBytes);
    return endedPairs + endedSeries > 0;
  }

  return {
    get binding() {
      return binding;
    },
    async step() {
      await makeFit();
      binding = budget.bound.take();
      selfMetrics.recordBudgets(binding);
      budgetLog.refreshed(binding);
    },
    async mayGoOut({ bytes, restBytes }) {
      budget.noteAnswer(bytes, restBytes);
      const saysTruth = bytes <= estimatedBytes;
      if (saysTruth && bytes <= budget.limitBytes) return true;
      const hasEnded = await makeFit();
      if (hasEnded) await parts.keepState();
      // With nothing left to end, more than the limit goes out: the operator must see what it is.
      return saysTruth && !hasEnded;
    },
  };
}
