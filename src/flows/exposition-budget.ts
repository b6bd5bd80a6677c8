// SPDX-License-Identifier: Apache-2.0
// How many bytes an answer to a scrape may have, and what takes them: flow series, RoCE pairs, and the rest.
// Arithmetic only: each of the two tables tells its own part and asks what is free; the rest is what the
// last answers had, and a reserve by which it may grow until the next one. Where it grew by more, that answer
// is made anew with less in it.

import { BoundBudgets } from './budgets.js';

/** Lines of an exposition that share the labels of a flow, pair or path. */
export interface LineCost {
  readonly lines: number;
  /** Of all of them together, without these labels. */
  readonly bytes: number;
}

/** Pairs may take this share; beyond it a new one goes to what has no pair. */
const PAIRS_SHARE = 0.5;
/** Before the first answer: its families without flows and pairs. Of a host with a card for RDMA: 60 to 90 KB. */
const FIRST_REST_BYTES = 96 * 1024;
/** The rest grows in steps: a digit more in some counter must not end a series. */
const REST_STEP_BYTES = 8 * 1024;
/** What may come between two answers: interfaces, kinds of traffic, RDMA ports. */
const RESERVE_SHARE = 1 / 64;
const MIN_RESERVE_BYTES = 64 * 1024;

export class ExpositionBudget {
  #limitBytes = 0;
  /** What the tables left out or ended because of a budget, this one or another. */
  readonly bound = new BoundBudgets();
  /** Upper bound of the lines of flow series; the flow table's to keep. */
  flowBytes = 0;
  /** The same of pairs and their paths, without host_ip, and their lines; the pair table's to keep. */
  pairBytes = 0;
  pairLines = 0;

  readonly #hostIp: { readonly current: string };
  #reserveBytes = 0;
  #restBytes = FIRST_REST_BYTES;

  /** hostIp: stands in every line of pairs, and may change. */
  constructor(limitBytes: number, hostIp: { readonly current: string } = { current: '' }) {
    this.limitBytes = limitBytes;
    this.#hostIp = hostIp;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** May change; the tables fit into it when they are next asked to. */
  set limitBytes(bytes: number) {
    this.#limitBytes = bytes;
    this.#reserveBytes = Math.max(MIN_RESERVE_BYTES, Math.ceil(RESERVE_SHARE * bytes));
  }

  /**
   * An answer would have so many bytes, restBytes of them neither lines of flows nor of pairs; the estimate is
   * above that then. The most of all answers counts: a rest that comes and goes is to end no series.
   */
  noteAnswer(bytes: number, restBytes: number): void {
    // What the tables do not account for is the rest's, too: an estimate that were too low would mend itself.
    const most = Math.max(restBytes, bytes - this.flowBytes - this.#allPairBytes);
    this.#restBytes = Math.max(this.#restBytes, REST_STEP_BYTES * Math.ceil(most / REST_STEP_BYTES));
  }

  /** No answer to a scrape has more bytes, unless the rest grew by more than the reserve since the last one. */
  get estimatedBytes(): number {
    return this.flowBytes + this.#withoutFlows;
  }

  /** What flow series may take. */
  get flowLimitBytes(): number {
    return this.limitBytes - this.#withoutFlows;
  }

  /** What pairs may grow by; flow series make room for them. */
  get pairFreeBytes(): number {
    const { limitBytes } = this;
    const most = Math.min(PAIRS_SHARE * limitBytes, limitBytes - this.#restBytes - this.#reserveBytes);
    return most - this.#allPairBytes;
  }

  /** Of a line that pairs would have more. */
  get hostIpBytes(): number {
    return this.#hostIp.current.length;
  }

  get #allPairBytes(): number {
    return this.pairBytes + this.pairLines * this.hostIpBytes;
  }

  get #withoutFlows(): number {
    return this.#allPairBytes + this.#restBytes + this.#reserveBytes;
  }
}
