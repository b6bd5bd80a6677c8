// SPDX-License-Identifier: Apache-2.0
// What is kept from refresh to refresh for those who look: always the totals by interface; what flows and pairs
// carried only while somebody looks, and for a while after.

import type { BooksView, SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import type { RdmaView } from '../rdma/rounds.js';
import type { RocePairsView } from '../roce/views.js';
import { FlowRates } from './flow-rates.js';
import { InterfaceRates } from './interface-rates.js';
import { PairRates } from './pair-rates.js';
import { RdmaReadings } from './rdma-readings.js';

/** So long after the last request somebody still looks. */
export const LOOK_MS = 60_000;

export interface LiveCountsParts {
  /** Between two refreshes they are whole. */
  series(): SeriesView;
  books(): BooksView;
  /** undefined where RoCE headers are not read. */
  pairs(): RocePairsView | undefined;
  /** undefined where nothing was read yet, or nothing is to be read. */
  rdma(): RdmaView | undefined;
  /** Readers of events now. */
  eventReaders(): number;
  /** Monotonic. */
  nowMs(): number;
  /** Wall clock. */
  wallMs(): number;
  readonly pacer: Pacer;
}

/** One refresh, as of when its counts were cut off. */
export interface RefreshTaken {
  /** Monotonic. */
  readonly takenMs: number;
  /** Wall clock. */
  readonly takenAtMs: number;
  /** False: what is missing comes with the next one. */
  readonly isWhole: boolean;
  /** What the refresh took, milliseconds. */
  readonly durationMs: number;
  /** Flows of the interval, with a series or without. */
  readonly flows: number;
  /** How long the event loop was held up at most since the refresh before. */
  readonly stallMs: number;
}

export class LiveCounts {
  readonly interfaces: InterfaceRates;
  readonly flows: FlowRates;
  readonly pairs: PairRates;
  readonly rdma = new RdmaReadings();
  /** The time that the counts of the last refresh are of. */
  spanMs = 0;
  /** undefined before the first. */
  last: RefreshTaken | undefined;

  readonly #parts: LiveCountsParts;
  #takenMs: number;
  #wholeMs: number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isFollowing = false;

  /** Counts that are there by now are the past. */
  constructor(parts: LiveCountsParts) {
    this.#parts = parts;
    this.interfaces = new InterfaceRates(() => parts.books().interfaces);
    this.flows = new FlowRates(parts.pacer);
    this.pairs = new PairRates(parts.pacer);
    this.#takenMs = parts.nowMs();
    this.#wholeMs = this.#takenMs;
  }

  /** Somebody asks. */
  look(): void {
    this.#lookedMs = this.#parts.nowMs();
  }

  get isLookedAt(): boolean {
    return this.#parts.eventReaders() > 0 || this.#parts.nowMs() - this.#lookedMs < LOOK_MS;
  }

  /** After the counts of a refresh were added up; nothing changes them until it resolves. */
  async note(refresh: RefreshTaken): Promise<void> {
    const { series, pairs, rdma } = this.#parts;
    const { takenMs, takenAtMs: endsMs } = refresh;
    // Points are as long as the time between refreshes; what the last one has counted came since the last whole one.
    const pointMs = takenMs - this.#takenMs;
    this.#takenMs = takenMs;
    this.spanMs = takenMs - this.#wholeMs;
    if (refresh.isWhole) this.#wholeMs = takenMs;
    this.last = refresh;
    this.interfaces.note(endsMs, pointMs);
    this.rdma.note(rdma());
    if (!this.isLookedAt) {
      this.stopFollowing();
      return;
    }
    this.#isFollowing = true;
    await this.flows.note(series(), endsMs, pointMs);
    await this.pairs.note(pairs()?.pairs ?? [], endsMs, pointMs);
  }

  /** A series ends; as OnSeriesEnd. */
  endSeries(series: number): void {
    if (this.#isFollowing) this.flows.followed.end(series);
  }

  /** Nobody looks any more: its memory is given back. */
  stopFollowing(): void {
    if (!this.#isFollowing) return;
    this.#isFollowing = false;
    this.flows.clear();
    this.pairs.clear();
  }
}
