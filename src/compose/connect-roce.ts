// SPDX-License-Identifier: Apache-2.0
// What the headers of RoCE packets tell, wired: the pair table as configured, and its families.

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KIND } from '../abi/kinds.js';
import type { Clock } from '../clock.js';
import type { Audience } from '../flows/audience.js';
import type { ExpositionBudget } from '../flows/exposition-budget.js';
import type { BooksView } from '../flows/views.js';
import type { Family } from '../metrics/definition.js';
import { FirstZeros } from '../metrics/first-zeros.js';
import { FirstZerosExport, readFirstZeros } from '../metrics/first-zeros-state.js';
import { pairLabelBytes, pairLineCosts } from '../metrics/line-costs.js';
import { roceFamilies } from '../metrics/roce-families.js';
import { Pacer } from '../pacer.js';
import type { DrainResult } from '../reader/drain.js';
import type { PairsExport, PairsImport, PairsTaken } from '../roce/pair-state.js';
import type { RocePairsOptions } from '../roce/pairs-contract.js';
import { createRocePairs } from '../roce/roce-pairs.js';
import type { RocePairsView } from '../roce/views.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import type { FlowParts } from './connect-flows.js';

export interface RoceLine {
  /** Adds up one drain; once per refresh, within the guard. */
  apply(result: DrainResult, nowMs: number, refresh: number): Promise<void>;
  /** Ends the smallest pairs where they take more of an answer than they may; as apply(). */
  fit(): Promise<number>;
  /** Within the guard, after the configuration has changed. endsAll: addresses or labels have. */
  reconfigure(endsAll: boolean): Promise<void>;
  /** Within the guard, after apply() and what may end pairs. */
  exportState(options: PairsExport): Promise<StateColumns>;
  /** Before the first apply(). */
  importState(columns: StateColumns, options: PairsImport): Promise<PairsTaken | StateProblem>;
  /** As if nothing had been counted yet. */
  beginAnew(): Promise<void>;
  /** Likewise whole. */
  readonly view: RocePairsView;
  /** Whole while no apply() is pending. refresh: number of the last one; undefined for what is pushed. */
  families(refresh?: number): Promise<readonly Family[]>;
}

/** undefined where RoCE headers are not read. */
export function connectRoce(
  flowParts: FlowParts,
  {
    audience,
    clock,
    budget,
  }: {
    readonly audience: Audience;
    readonly clock: Pick<Clock, 'nowMs'>;
    readonly budget: ExpositionBudget;
  },
): RoceLine | undefined {
  const { hostIp, ids } = flowParts;
  if (!flowParts.config.roce.enabled) return undefined;
  const parts = { yieldToLoop: (): Promise<void> => nextTurn() };
  const pacer = new Pacer(parts.yieldToLoop);
  const zeros = new FirstZeros(
    {
      get zeroFirst() {
        return flowParts.config.flows.newSeries === 'zero_first';
      },
      get holdMaxMs() {
        return flowParts.config.flows.holdMaxMs;
      },
    },
    { audience, nowMs: clock.nowMs },
  );
  const zerosExport = new FirstZerosExport(zeros, pacer);
  const labels = {
    interfaceName: (id: number) => ids.nameOf(id),
    get hostIp() {
      return hostIp.current;
    },
    get collectAgg() {
      return flowParts.config.collectAgg;
    },
  };
  let costs = pairLineCosts(flowParts.config.web);
  const pairs = createRocePairs(pairOptions(flowParts), {
    ...parts,
    room: {
      budget,
      get costs() {
        return costs;
      },
      labelBytes: (path, queuePair) => pairLabelBytes(path, labels, queuePair),
    },
    mayEnd: (pair, changedIn, overdueMs) => zeros.mayEnd(pair, changedIn, overdueMs),
  });
  return {
    apply({ roceRows, roceOverflow }, nowMs, refresh) {
      zeros.beginRefresh();
      return pairs.apply(roceRows, roceOverflow, nowMs, refresh);
    },
    fit: () => pairs.fit(),
    reconfigure(endsAll) {
      costs = pairLineCosts(flowParts.config.web);
      return pairs.reconfigure(endsAll);
    },
    async exportState(options) {
      return {
        ...(await pairs.exportState(options)),
        ...(await zerosExport.run(pairs.view.pairs)),
      };
    },
    async importState(columns, options) {
      const shown = readFirstZeros(columns);
      if ('problem' in shown) return shown;
      const taken = await pairs.importState(columns, options);
      if (!('problem' in taken)) await shown.restore(zeros, taken.pairs, pacer);
      return taken;
    },
    beginAnew: () => pairs.beginAnew(),
    get view() {
      return pairs.view;
    },
    families(refresh) {
      if (refresh === undefined) return roceFamilies(pairs.view, labels, parts);
      zeros.begin(refresh);
      return roceFamilies(pairs.view, labels, { ...parts, zeros });
    },
  };
}

/** As the configuration is whenever they are asked for. */
function pairOptions(flowParts: FlowParts): RocePairsOptions {
  return {
    hashSeed: randomBytes(4).readUInt32LE(),
    get maxPairs() {
      return flowParts.config.roce.maxPairs;
    },
    get perQueuePair() {
      return flowParts.config.roce.perQueuePair;
    },
    get idleTimeoutMs() {
      return flowParts.config.flows.idleTimeoutMs;
    },
    get intervalMs() {
      return flowParts.config.intervalMs;
    },
    get ipv4PrefixLength() {
      return flowParts.config.flows.ipv4PrefixLength;
    },
    get ipv6PrefixLength() {
      return flowParts.config.flows.ipv6PrefixLength;
    },
  };
}

/** RoCE packets that XDP has seen, of which the books may begin anew. */
export interface RocePacketsSeen {
  /** On an interface, since the start, as of the call. */
  now(): (interfaceName: string) => number;
  /** Before the books begin anew. */
  keep(): void;
}

export function rocePacketsSeen(books: BooksView, { ids }: Pick<FlowParts, 'ids'>): RocePacketsSeen {
  /** By number of the interface. */
  const before = new Map<number, number>();
  const rows = () => books.interfaces.filter(({ kind }) => kind === KIND.roceV1 || kind === KIND.roceV2);
  return {
    now() {
      const sums = new Map<string, number>();
      const add = (id: number, packets: number): void => {
        const name = ids.nameOf(id);
        sums.set(name, (sums.get(name) ?? 0) + packets);
      };
      for (const [id, packets] of before) add(id, packets);
      for (const { interfaceId, packets } of rows()) add(interfaceId, packets);
      return (interfaceName) => sums.get(interfaceName) ?? 0;
    },
    keep() {
      for (const { interfaceId, packets } of rows()) {
        before.set(interfaceId, (before.get(interfaceId) ?? 0) + packets);
      }
    },
  };
}
