// SPDX-License-Identifier: Apache-2.0
// What is kept from refresh to refresh for those who look: always the totals by interface; what flows and pairs
// carried only while somebody looks, and for a while after.

import type { BooksView, SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import type { RdmaPortsReading } from '../rdma/rounds.js';
import type { RocePairsView, RocePairView } from '../roce/views.js';
import { FlowRates } from './flow-rates.js';
import { InterfaceRates } from './interface-rates.js';
import { PairRates } from './pair-rates.js';
import type { CountsTime } from './rate-history.js';
import { RdmaReadings } from './rdma-readings.js';

/** So long after the last request somebody still looks, or for so many intervals where these are longer. */
export const LOOK_MS = 60_000;
const LOOK_INTERVALS = 2.5;

export interface LiveCountsParts {
  /** Between two refreshes they are whole. */
  series(): SeriesView;
  books(): BooksView;
  /** undefined where RoCE headers are not read. */
  pairs(): RocePairsView | undefined;
  /** undefined where nothing was read yet, or nothing is to be read. */
  rdma(): RdmaPortsReading | undefined;
  /** May change. */
  intervalMs(): number;
  /** Whether flows and pairs may be followed at all; may change. */
  isOn(): boolean;
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
  /** False: counts are missing, which come with the next one. */
  readonly isWhole: boolean;
  /** Of a time that nobody knows: before the start was over, or what predecessors have counted. */
  readonly isOfUnknownTime: boolean;
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
  /** undefined before the first. */
  last: RefreshTaken | undefined;

  readonly #parts: LiveCountsParts;
  /** Until when all that was counted is in the counts that were noted. */
  #completeMs: number;
  /** Some of what was counted since is, too. */
  #hasPart = false;
  /** What a refresh of an unknown time could not bring comes with the next. */
  #isRestUnknown = false;
  /** The counts have changed since the last note(), or were changing when something failed. */
  #isChanging = false;
  /** They had done so before, without a note(). */
  #hasMissed = false;
  #spanMs = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isFollowing = false;

  /** Counts that are there by now are the past. */
  constructor(parts: LiveCountsParts) {
    this.#parts = parts;
    this.interfaces = new InterfaceRates(() => parts.books().interfaces);
    this.flows = new FlowRates(parts.pacer);
    this.pairs = new PairRates(parts.pacer);
    this.#completeMs = parts.nowMs();
  }

  /** The time that the counts of the last refresh are of; 0: nobody knows, nor what was counted in it. */
  get spanMs(): number {
    return this.#isChanging ? 0 : this.#spanMs;
  }

  /** Whether it is known what was counted in the last refresh. */
  get isKnown(): boolean {
    return this.spanMs > 0;
  }

  /** Somebody asks. */
  look(): void {
    this.#lookedMs = this.#parts.nowMs();
  }

  get isLookedAt(): boolean {
    return this.#parts.eventReaders() > 0 || this.#parts.nowMs() - this.#lookedMs < this.#lookMs;
  }

  get #lookMs(): number {
    return Math.max(LOOK_MS, LOOK_INTERVALS * this.#parts.intervalMs());
  }

  /** A refresh is about to change the counts: what it brings is known after note(). */
  begin(): void {
    this.#hasMissed = this.#isChanging;
    this.#isChanging = true;
  }

  /** All counts begin at 0 now. */
  beginAnew(): void {
    this.interfaces.beginAnew();
  }

  /** After the counts of a refresh were added up; nothing changes them until it resolves. */
  async note(refresh: RefreshTaken): Promise<void> {
    const { series, pairs, rdma } = this.#parts;
    const time = this.#timeOf(refresh);
    const timed = { time, endsMs: refresh.takenAtMs, spanMs: refresh.takenMs - this.#completeMs };
    const hasMissed = this.#hasMissed;
    this.last = refresh;
    const hasCome = this.interfaces.note(timed);
    this.rdma.note(rdma());
    this.#spanMs = time === 'whole' && !hasMissed && !this.#hasPart ? timed.spanMs : 0;
    if (time !== 'part') this.#completeMs = refresh.takenMs;
    this.#hasPart = time === 'part' && (this.#hasPart || hasCome || hasMissed);
    if (this.#parts.isOn() && this.isLookedAt) {
      this.#isFollowing = true;
      // Flows tell what the last refresh brought, and nothing of one that was missed; pairs have totals.
      await this.flows.note(series(), hasMissed ? { ...timed, time: 'unknown' } : timed);
      await this.pairs.note(pairs()?.pairs ?? [], timed);
    } else this.stopFollowing();
    this.#isChanging = false;
  }

  #timeOf({ isOfUnknownTime, isWhole }: RefreshTaken): CountsTime {
    if (!isOfUnknownTime && !this.#isRestUnknown) return isWhole ? 'whole' : 'part';
    this.#isRestUnknown = !isWhole;
    return 'unknown';
  }

  /** What a pair carried in the last refresh, by PAIR_NUMBER; undefined where that is not known. */
  grownOf(pair: RocePairView): Float64Array | undefined {
    return this.isKnown ? this.pairs.grownOf(pair) : undefined;
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
