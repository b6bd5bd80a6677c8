// SPDX-License-Identifier: Apache-2.0
// Flow accounts and RoCE pairs that share a budget, as the exporter wires them, and real renderings of
// what they show. For tests only.

import assert from 'node:assert/strict';
import type { ExpositionFormat } from '../../../src/exposition/dialect.js';
import { createFlowTailRenderer } from '../../../src/exposition/remote-write/flow-tail.js';
import { renderExposition } from '../../../src/exposition/render-exposition.js';
import type { Budget } from '../../../src/flows/budgets.js';
import { ExpositionBudget } from '../../../src/flows/exposition-budget.js';
import { createFlowAccounts, type FlowAccounts } from '../../../src/flows/flow-accounts.js';
import type { IntervalSummary } from '../../../src/flows/views.js';
import { bookFamilies } from '../../../src/metrics/book-families.js';
import { flowFamilies } from '../../../src/metrics/flow-families.js';
import { createFlowLabelFields, FLOW_LABELS } from '../../../src/metrics/flow-label-fields.js';
import { createFlowLabelRenderer } from '../../../src/metrics/flow-labels.js';
import { flowLineCost, pairLabelBytes, pairLineCosts } from '../../../src/metrics/line-costs.js';
import { networkFamilies } from '../../../src/metrics/network-families.js';
import { roceFamilies } from '../../../src/metrics/roce-families.js';
import { createRocePairs, type RocePairs } from '../../../src/roce/roce-pairs.js';
import { assertBalanced } from '../flows/accounts-model.js';
import { drainOf, type TestRow } from '../flows/rows.js';
import { createFixedSelfMetrics, FIXED_NETWORKS } from '../metrics/fixed-metrics.js';
import { fixedRdmaFamilies } from '../metrics/fixed-rdma.js';
import { roceRowsOf, type StreamSpec } from '../roce/roce-rows.js';

export interface BudgetBenchOptions {
  readonly limitBytes: number;
  readonly maxSeries?: number;
  readonly maxPairs?: number;
  readonly gauges?: boolean;
  readonly openmetricsCreated?: boolean;
  readonly perQueuePair?: boolean;
  /** Those of FLOW_LABELS that flows have; all unless told. */
  readonly labels?: readonly string[];
  /** vlan, dscp, direction, and networks with such a name, too. */
  readonly networkName?: string | undefined;
}

const START_MS = 1_700_000_000_000;
const INTERVAL_MS = 1000;

export class BudgetBench {
  readonly hostIp = { current: '192.0.2.7' };
  readonly budget: ExpositionBudget;
  readonly accounts: FlowAccounts;
  readonly pairs: RocePairs;
  /** Of the last refresh. */
  bound: ReadonlySet<Budget> = new Set();
  readonly #options: Required<BudgetBenchOptions>;
  readonly #labels;
  #refreshes = 0;

  constructor(options: BudgetBenchOptions) {
    const all = {
      maxSeries: 1_000_000,
      maxPairs: 100_000,
      gauges: true,
      openmetricsCreated: false,
      perQueuePair: false,
      labels: FLOW_LABELS,
      networkName: undefined,
      ...options,
    };
    this.#options = all;
    this.budget = new ExpositionBudget(all.limitBytes, this.hostIp);
    const { hostIp } = this;
    const hasAll = all.networkName !== undefined;
    this.#labels = {
      interfaceName: (id: number) => `eth"${id}`,
      get hostIp() {
        return hostIp.current;
      },
      collectAgg: 'a "b" \\c\u00e9',
      labels: all.labels,
      vlan: hasAll,
      queuePair: hasAll || all.perQueuePair,
      dscp: hasAll,
      direction: hasAll,
      networks: { src: hasAll, dst: hasAll, nameOf: () => all.networkName ?? '' },
    };
    const times = { idleTimeoutMs: 4 * INTERVAL_MS, intervalMs: INTERVAL_MS, hashSeed: 1 };
    const flowLabels = createFlowLabelRenderer(this.#labels);
    const yieldToLoop = () => Promise.resolve();
    this.accounts = createFlowAccounts(
      {
        ...times,
        maxSeries: all.maxSeries,
        maxNewSeriesPerMinute: 600,
        newSeries: 'at_value',
        holdMaxMs: 60_000,
        maxLabelBytes: flowLabels.maxLabelBytes,
        lineCost: flowLineCost({ ...all, labelCount: flowLabels.labelCount }),
      },
      { keep: () => true, renderLabels: flowLabels.render, yieldToLoop, budget: this.budget },
    );
    const room = {
      budget: this.budget,
      costs: pairLineCosts(all),
      labelBytes: (...path: [Parameters<typeof pairLabelBytes>[0], number | undefined]) =>
        pairLabelBytes(path[0], this.#labels, path[1]),
    };
    this.pairs = createRocePairs(
      {
        ...times,
        maxPairs: all.maxPairs,
        perQueuePair: all.perQueuePair,
        ipv4PrefixLength: 32,
        ipv6PrefixLength: 128,
      },
      { yieldToLoop, room },
    );
  }

  async refresh(rows: readonly TestRow[], streams: readonly StreamSpec[] = []): Promise<IntervalSummary> {
    const nowMs = START_MS + INTERVAL_MS * this.#refreshes++;
    const summary = await this.accounts.apply(drainOf(rows), [], nowMs);
    await this.pairs.apply(roceRowsOf(streams), [], nowMs);
    await this.fit();
    this.bound = this.budget.bound.take();
    assertBalanced(this.accounts);
    return summary;
  }

  /** Resolves with the numbers of pairs and of flow series that ended. */
  async fit(): Promise<[pairs: number, series: number]> {
    return [await this.pairs.fit(), await this.accounts.fit()];
  }

  async beginAnew(hostIp: string): Promise<void> {
    this.hostIp.current = hostIp;
    await this.accounts.beginAnew();
    await this.pairs.beginAnew();
  }

  /** Bytes of an answer; those of its flows and pairs are no more than are accounted for. */
  async render(format: ExpositionFormat): Promise<number> {
    const { gauges, openmetricsCreated } = this.#options;
    const yieldToLoop = async () => undefined;
    const families = [
      ...bookFamilies(this.accounts.books, this.#labels),
      ...(await roceFamilies(this.pairs.view, this.#labels, { yieldToLoop })),
      ...fixedRdmaFamilies(),
      ...networkFamilies(FIXED_NETWORKS),
      ...(await createFixedSelfMetrics().families()),
    ];
    const flowLabels = createFlowTailRenderer(createFlowLabelFields(this.#labels), []);
    const { bytes, restBytes } = await renderExposition(
      format,
      { families, flows: flowFamilies(this.accounts.series, { gauges }) },
      { yieldToLoop },
      { startedMs: START_MS, flowLabels, openmetricsCreated },
    );
    const { flowBytes, pairBytes, pairLines, hostIpBytes } = this.budget;
    const accounted = flowBytes + pairBytes + pairLines * hostIpBytes;
    const own = bytes - restBytes;
    assert.ok(own <= accounted, `${format}: flows and pairs have ${own} bytes, not ${accounted} at most`);
    this.budget.noteAnswer(bytes, restBytes);
    return bytes;
  }

  /** In no format an answer has more than is estimated, nor that more than may be. Returns estimate over real size. */
  async assertBounded(): Promise<number> {
    const estimated = this.budget.estimatedBytes;
    assert.ok(estimated <= this.budget.limitBytes, `${estimated} of ${this.budget.limitBytes} bytes`);
    const sizes: number[] = [];
    for (const format of ['text', 'openmetrics', 'protobuf'] as const) {
      const bytes = await this.render(format);
      assert.ok(bytes <= estimated, `${format} has ${bytes} bytes, not the ${estimated} estimated at most`);
      if (format !== 'protobuf') sizes.push(bytes);
    }
    return estimated / Math.max(...sizes);
  }
}
