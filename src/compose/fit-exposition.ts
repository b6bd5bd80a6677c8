// SPDX-License-Identifier: Apache-2.0
// The step of a refresh that keeps expositions within their budget, wired, and what is told of budgets.

import type { Clock } from '../clock.js';
import type { RefreshSteps } from '../daemon.js';
import { BudgetLog } from '../flows/budget-log.js';
import type { ExpositionBudget } from '../flows/exposition-budget.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';

export function createFitStep(parts: {
  readonly accounts: Pick<FlowAccounts, 'fit' | 'series'>;
  readonly budget: ExpositionBudget;
  readonly selfMetrics: SelfMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}): RefreshSteps['fitExposition'] {
  const { accounts, budget, selfMetrics, log } = parts;
  const budgetLog = new BudgetLog({
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    nowMs: () => parts.clock.nowMs(),
  });
  return async () => {
    const ended = await accounts.fit();
    if (ended > 0) {
      selfMetrics.recordSeriesEnded('max_series', ended);
      selfMetrics.setSeries(accounts.series.count);
    }
    const bound = budget.bound.take();
    selfMetrics.recordBudgets(bound, budget.estimatedBytes);
    budgetLog.refreshed(bound);
  };
}
