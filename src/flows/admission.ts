// SPDX-License-Identifier: Apache-2.0
// Who gets a series in a refresh, done: winners of the contest enter the table, those in whose place they
// come leave it, and where an exposition would be too large the smallest series end.

import { FLOW_ROW_WORDS, type FlowRows } from '../abi/records.js';
import { interfaceIdOf, kindOf } from '../abi/row-key.js';
import type { Pacer } from '../pacer.js';
import type { Seen } from './audience.js';
import { ExpositionBudget } from './exposition-budget.js';
import type { RenderLabels } from './label-arena.js';
import type { Newcomers } from './newcomers.js';
import type { RecentBytes } from './recent-bytes.js';
import { type ContestOptions, SeriesContest } from './series-contest.js';
import type { SeriesKeeper } from './series-keeper.js';

/** Prices of a step for the pacer, nanoseconds, measured with 100,000 flows and warm code. */
const ADMIT_NS = 500;
const LOSER_NS = 40;
const END_NS = 300;

export interface AdmissionParts {
  readonly keeper: SeriesKeeper;
  readonly newcomers: Newcomers;
  readonly recent: RecentBytes;
  readonly pacer: Pacer;
  readonly renderLabels: RenderLabels;
  /** None: expositions may be of any size. */
  readonly budget?: ExpositionBudget;
}

export class Admission {
  readonly #keeper: SeriesKeeper;
  readonly #newcomers: Newcomers;
  readonly #contest: SeriesContest;
  readonly #pacer: Pacer;
  readonly #budget: ExpositionBudget;

  constructor(options: ContestOptions, parts: AdmissionParts) {
    this.#keeper = parts.keeper;
    this.#newcomers = parts.newcomers;
    this.#pacer = parts.pacer;
    this.#budget = parts.budget ?? new ExpositionBudget(Number.MAX_SAFE_INTEGER);
    this.#contest = new SeriesContest(options, {
      ...parts,
      table: parts.keeper.table,
      budget: this.#budget,
    });
  }

  /** Lets the newcomers compete for series, and books those that get none; returns how many won. */
  async run(rows: FlowRows, startedMs: number, nowMs: number, seen: Seen): Promise<number> {
    await this.fit(nowMs, seen);
    const admitted = await this.#admit(rows, startedMs, nowMs, seen);
    this.#budget.flowBytes = this.#keeper.table.expositionBytes;
    await this.#bookLosers(rows.keys);
    return admitted;
  }

  /** Ends the smallest series until there are no more than may be, and an exposition is within its budget; returns how many. */
  async fit(nowMs: number, seen: Seen): Promise<number> {
    const budget = this.#budget;
    const { table } = this.#keeper;
    let ended = 0;
    budget.flowBytes = table.expositionBytes;
    const isOver = (): boolean =>
      table.count > table.maxSeries || (table.expositionBytes > budget.flowLimitBytes && table.count > 0);
    if (!isOver()) return ended;
    if (budget.flowBytes > budget.flowLimitBytes) budget.bound.note('max_exposition_bytes');
    await this.#contest.rankHolders(nowMs, seen, this.#pacer);
    while (isOver()) {
      const steps = Math.min(table.count, this.#pacer.stepsLeft(END_NS));
      let step = 0;
      for (; step < steps && isOver(); step++) {
        this.#keeper.end(this.#contest.popSmallest(), 'max_series');
      }
      ended += step;
      await this.#pacer.spend(step * END_NS);
    }
    budget.flowBytes = table.expositionBytes;
    return ended;
  }

  async #admit(rows: FlowRows, startedMs: number, nowMs: number, seen: Seen): Promise<number> {
    const contest = this.#contest;
    const { table } = this.#keeper;
    await contest.begin(rows.keys, nowMs, seen, this.#pacer);
    await table.reserve(table.count + contest.mostWinners, this.#pacer);
    let admitted = 0;
    for (;;) {
      const steps = Math.min(contest.leftCount, this.#pacer.stepsLeft(ADMIT_NS));
      await table.labels.reserve(steps, table, this.#pacer);
      for (let step = 0; step < steps; step++) {
        const row = contest.next(rows.keys);
        if (row < 0) return admitted;
        for (const series of contest.displaced) this.#keeper.end(series, 'max_series');
        this.#keeper.start(rows, this.#newcomers, row, startedMs, nowMs);
        admitted++;
      }
      if (contest.leftCount === 0) return admitted;
      await this.#pacer.spend(steps * ADMIT_NS);
    }
  }

  /** The newcomers that go without a series. */
  async #bookLosers(keys: Uint32Array): Promise<void> {
    const { books } = this.#keeper;
    const newcomers = this.#newcomers;
    await this.#pacer.run(this.#contest.leftCount, LOSER_NS, (from, to) => {
      // Most have the interface and kind of the one before: those are booked together.
      let [interfaceId, kind, packets, bytes] = [0, 0, 0, 0];
      for (let i = from; i < to; i++) {
        const row = this.#contest.leftAt(i);
        const wordOffset = row * FLOW_ROW_WORDS;
        const [ownInterfaceId, ownKind] = [interfaceIdOf(keys, wordOffset), kindOf(keys, wordOffset)];
        if (ownInterfaceId !== interfaceId || ownKind !== kind) {
          if (packets > 0 || bytes > 0) books.addUnshown(interfaceId, kind, 'max_series', packets, bytes);
          [interfaceId, kind, packets, bytes] = [ownInterfaceId, ownKind, 0, 0];
        }
        packets += newcomers.packets[row] ?? 0;
        bytes += newcomers.bytes[row] ?? 0;
      }
      if (packets > 0 || bytes > 0) books.addUnshown(interfaceId, kind, 'max_series', packets, bytes);
    });
  }
}
