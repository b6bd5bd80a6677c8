// SPDX-License-Identifier: Apache-2.0
// What people look at: answers to their questions about the last refresh, and a message when there is another.
// docs/api.md is its promise.

import type { Pacer } from '../pacer.js';
import { answerBooks } from './answer-books.js';
import { answerFlows } from './answer-flows.js';
import { answerHistory } from './answer-history.js';
import { answerOverview, eventOf } from './answer-overview.js';
import { answerPairs } from './answer-pairs.js';
import { answerRdma } from './answer-rdma.js';
import { Answers, type ApiAnswer, type ApiRefusal } from './answers.js';
import type { FactParts } from './facts.js';
import { renderAnswer } from './json-list.js';
import { LiveCounts, type LiveCountsParts, type RefreshTaken } from './live-counts.js';
import { type QueryProblem, readFlowQuery, readHistoryQuery, readNoQuery, readPairQuery } from './query.js';

export interface LiveViewParts extends LiveCountsParts, FactParts {
  /** Runs fn while no refresh changes the counts. */
  withSnapshot<T>(fn: (refresh: number) => Promise<T>): Promise<T>;
  currentRefresh(): number;
}

type Make = (params: URLSearchParams) => QueryProblem | (() => Promise<Record<string, unknown>>);

export class LiveView {
  readonly counts: LiveCounts;
  readonly #parts: LiveViewParts;
  readonly #answers: Answers;
  readonly #makers: ReadonlyMap<string, Make>;

  constructor(parts: LiveViewParts) {
    this.#parts = parts;
    this.counts = new LiveCounts(parts);
    this.#makers = this.#createMakers();
    this.#answers = new Answers({
      currentRefresh: parts.currentRefresh,
      nowMs: parts.nowMs,
      make: (name, params) => this.#make(name, params),
    });
  }

  /** Names of all answers. */
  get names(): readonly string[] {
    return [...this.#makers.keys()];
  }

  /** name: one of names. Rejects where something is wrong with us. */
  answer(name: string, params: URLSearchParams): Promise<ApiAnswer | ApiRefusal> {
    this.counts.look();
    return this.#answers.get(name, params);
  }

  /** Within the guard, after the counts of a refresh. */
  note(refresh: RefreshTaken): Promise<void> {
    this.#answers.clear();
    return this.counts.note(refresh);
  }

  /** Within the guard: the message of the last refresh, as JSON on one line. */
  event(refresh: number): string {
    return renderAnswer({ ...this.#head(refresh), ...eventOf(this.counts, this.#views()) }).trimEnd();
  }

  async #make(name: string, params: URLSearchParams): Promise<Buffer | QueryProblem> {
    const maker = this.#makers.get(name);
    if (maker === undefined) throw new Error(`there is no answer ${name}`);
    const make = maker(params);
    if (typeof make !== 'function') return make;
    return this.#parts.withSnapshot(async (refresh) =>
      Buffer.from(renderAnswer({ ...this.#head(refresh), ...(await make()) })),
    );
  }

  #head(refresh: number): Record<string, unknown> {
    const { last, spanMs } = this.counts;
    return { refresh, at_ms: last?.takenAtMs ?? null, seconds: spanMs / 1000 };
  }

  #views() {
    const { series, books, pairs, facts, interfaceName, flowFields, pacer } = this.#parts;
    return {
      series: series(),
      books: books(),
      roce: pairs(),
      ...{ facts, interfaceName, flowFields },
      pacer: pacer satisfies Pacer,
    };
  }

  #createMakers(): ReadonlyMap<string, Make> {
    const { counts } = this;
    const parts = this.#parts;
    const plain =
      (answer: () => Record<string, unknown> | Promise<Record<string, unknown>>): Make =>
      (params) => {
        const query = readNoQuery(params);
        return isProblem(query) ? query : async () => answer();
      };
    return new Map<string, Make>([
      ['overview', plain(() => answerOverview(counts, this.#views()))],
      [
        'flows',
        (params) => {
          const query = readFlowQuery(
            params,
            parts.flowFields().map(({ name }) => name),
          );
          return isProblem(query) ? query : () => answerFlows(query, counts, this.#views());
        },
      ],
      [
        'pairs',
        (params) => {
          const query = readPairQuery(params);
          return isProblem(query) ? query : () => answerPairs(query, counts, this.#views());
        },
      ],
      ['rdma', plain(() => answerRdma(counts.rdma, { isEnabled: parts.facts().readsRdma }))],
      ['books', plain(() => answerBooks(this.#views()))],
      [
        'history',
        (params) => {
          const query = readHistoryQuery(params);
          return isProblem(query) ? query : async () => answerHistory(query, counts, this.#views());
        },
      ],
    ]);
  }
}

function isProblem(query: object): query is QueryProblem {
  return 'problem' in query;
}
