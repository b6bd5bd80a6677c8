// SPDX-License-Identifier: Apache-2.0
// What the step that keeps expositions within their budget changes in the metrics about ourselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExpositionFit } from '../../src/compose/fit-exposition.js';
import { ExpositionBudget } from '../../src/flows/exposition-budget.js';
import { FlowTable } from '../../src/flows/flow-table.js';
import { createFixedSelfMetrics } from '../support/metrics/fixed-metrics.js';

test('series that end for the budget change no count of flows: they were seen', async () => {
  const selfMetrics = createFixedSelfMetrics();
  const gaugeValue = async (name: string): Promise<number | undefined> =>
    (await selfMetrics.families()).find((family) => family.name === name)?.samples[0]?.value;
  const table = new FlowTable({ maxSeries: 10, maxLabelBytes: 10 }, { hash: () => 0 });
  const { step } = createExpositionFit({
    roce: undefined,
    accounts: { fit: async () => 4, series: table },
    keepState: async () => undefined,
    budget: new ExpositionBudget(1_048_576),
    selfMetrics,
    log: { info: () => undefined, warn: () => undefined },
    clock: { nowMs: () => 0 },
  });
  selfMetrics.setFlows({ active: 17, series: 4 });
  await step();
  assert.equal(await gaugeValue('xtrace_flows_active'), 17);
  assert.equal(await gaugeValue('xtrace_series'), 0);
});
